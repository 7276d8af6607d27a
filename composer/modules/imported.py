"""From a module, and from what a file holds of one, to a graph with its weights, a report and a proof."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import dumps, write
from composer.graph.file.document import from_document
from composer.model import Model
from composer.model.compile import compile as compile_graph
from composer.model.weights import save_weights
from composer.modules.arguments import Arguments, arguments_of
from composer.modules.blocks import Drawn, document, identifier
from composer.modules.layers import is_layer
from composer.modules.lowering import lowered
from composer.modules.proof import MismatchError, evaluated_alike, trained_alike
from composer.modules.recorder import DecidedError, evaluating, named_tensors, recorded
from composer.modules.report import ImportReport
from composer.modules.steps import Steps, UnsupportedError
from composer.modules.tape import Call, Tape, TapeError
from composer.problems import GraphError, Problem, Where

__all__ = ["ImportedModule", "from_module", "imported"]


class TiedError(Exception):
    """Layers hold weights that other parts read too.

    Args:
        names: The weights.
    """

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self.names = names


@dataclass(frozen=True)
class ImportedModule:
    """A module as a graph.

    Args:
        graph: The graph.
        weights: Its weights, under the names of the graph.
        report: What became what.
        catalog: The components that its nodes name.
    """

    graph: Graph
    weights: Mapping[str, Tensor]
    report: ImportReport
    catalog: Catalog

    @cached_property
    def model(self) -> Model:
        """The graph with its weights, in evaluation mode.

        Raises:
            GraphError: It has placeholders, which no model can be built of.
        """
        model = compile_graph(self.graph, self.catalog)
        model.load_weights(self.weights)
        return model.eval()

    def save(self, path: str | Path) -> None:
        """Write the graph: to ``.safetensors`` with its weights in one file, else as YAML, with the weights beside it.

        Args:
            path: The file; ``resnet.yaml`` gets ``resnet.safetensors`` beside it.

        Raises:
            GraphError: The file cannot be written.
        """
        target = Path(path)
        whole = target.suffix == ".safetensors"
        if not whole:
            write(self.graph, target, self.catalog)
        weights = target if whole else target.with_suffix(".safetensors")
        if self.report.placeholders:
            save_weights(self.weights, weights, dumps(self.graph, self.catalog))
        else:
            self.model.save(weights)


def from_module(
    module: nn.Module,
    *example: Any,
    name: str = "",
    catalog: Catalog | None = None,
    train: bool = True,
    **named: Any,
) -> ImportedModule:
    """Turn a module into a graph: layers and functions become nodes, modules that contain others become subgraphs.

    The module is run on the example in evaluation mode, with two batch sizes, while every layer and every function of
    torch is recorded. Sizes other than the batch become those of the example. Then graph and module are compared: the
    outputs in evaluation, also on other numbers, and outputs and weights around a training step. The module is left
    unchanged.

    Args:
        module: The module, on the CPU.
        example: Arguments of its forward, with the batch as the first axis of every tensor.
        name: Name of the graph; by default that of the class.
        catalog: The components; by default those that come with composer.
        train: Whether a training step must agree too.
        named: Arguments of its forward by name.

    Raises:
        GraphError: The module does not run on the example, or the graph is not the same function.
    """
    catalog = Catalog.default() if catalog is None else catalog
    title = type(module).__name__
    arguments = arguments_of(module, example, named)
    origin = f"{type(module).__module__}.{type(module).__qualname__}"
    about = f"Imported from the module {origin}."
    state = dict(module.named_buffers(remove_duplicate=False)) | module.state_dict()  # buffers that are not saved too

    def attempt(fixed: str = "", tied: frozenset[str] = frozenset()) -> tuple[ImportedModule | None, str, Tape]:
        """The graph, what keeps it from being whole, and the recording."""
        tape = _recording(module, arguments, fixed, tied)
        try:
            found = imported(tape, name or identifier(title, attribute=False), about, catalog, state, title)
        except TiedError as error:
            return attempt(fixed, error.names)
        except GraphError as error:
            return None, "; ".join(problem.message for problem in error.problems), tape
        return found, next(iter(found.report.placeholders.values()), ""), tape

    found, why, tape = attempt()
    if why and tape.batch is not None:
        other, left, fixed = attempt(why)
        if found is None or not left:
            found, why, tape = other, left, fixed
    if found is None:
        raise GraphError(Problem("cannot-import", Where(title), why))
    return found if found.report.placeholders else _proven(found, module, arguments, tape, train)


def _recording(module: nn.Module, arguments: Arguments, fixed: str, tied: frozenset[str]) -> Tape:
    """A module written down, without layers that hold weights which others read too.

    Raises:
        GraphError: It does not run, or decides by numbers.
    """
    shared = {id(item) for name, item in module.named_parameters() if name in tied}

    def whole(part: nn.Module) -> bool:
        return is_layer(part) and not any(id(item) in shared for item in part.parameters())

    title = type(module).__name__
    try:
        tape = recorded(module, arguments, whole, fixed)
    except DecidedError as error:
        text = f"{error}. A graph takes one way for every input: decide by sizes, or choose numbers by torch.where"
        raise GraphError(Problem("cannot-import", Where(title), text)) from error
    except Exception as error:
        text = f"running it on the example failed: {type(error).__name__}: {error}"
        raise GraphError(Problem("cannot-import", Where(title), text)) from error
    tape.tied = tied
    return tape


def imported(
    tape: Tape, name: str, about: str, catalog: Catalog, state: Mapping[str, Tensor], title: str
) -> ImportedModule:
    """The graph of a tape, before any proof.

    Raises:
        TiedError: Layers hold weights that other parts read too.

    Args:
        tape: The tape.
        name: Name of the graph.
        about: What it is.
        catalog: The components.
        state: The weights under the names of the source.
        title: What reports call the source.
    """
    try:
        steps = lowered(tape, catalog)
        if more := steps.tied() - tape.tied:
            tape.tied |= more
            if any(_owns(call, tape) for call in tape.calls):
                raise TiedError(tape.tied)
            steps = lowered(tape, catalog)
    except (TapeError, UnsupportedError) as error:
        raise GraphError(Problem("cannot-import", Where(title), str(error))) from error
    drawn = document(steps, name, about, catalog)
    graph = from_document(drawn.document)
    weights = _weights(drawn, state)
    return ImportedModule(graph, weights, _report(title, tape, steps, drawn, weights), catalog)


def _owns(call: Call, tape: Tape) -> bool:
    """Whether a layer that was called holds a weight that others read."""
    if call.module is None:
        return False
    names = (f"{call.path}.{name}" for name, _ in call.module.named_parameters())
    return any(tape.aliases.get(name, name) in tape.tied for name in names)


def _weights(drawn: Drawn, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, source in drawn.weights.items():
        if source in state:
            found[name] = state[source].detach().clone()
    for path, step in drawn.paths.items():
        if step.type.startswith("BatchNorm") and "running_mean" in step.weights:
            own = step.weights["running_mean"].removesuffix("running_mean") + "num_batches_tracked"
            count = state.get(own, torch.zeros((), dtype=torch.int64))
            found[f"{path}.num_batches_tracked"] = count.detach().clone()
    return found | {name: value.clone() for name, value in drawn.data.items()}


def _report(title: str, tape: Tape, steps: Steps, drawn: Drawn, weights: Mapping[str, Tensor]) -> ImportReport:
    graphs: dict[str, Any] = drawn.document["graphs"]
    levels = [drawn.document["nodes"], *(graph["nodes"] for graph in graphs.values())]
    called = dict.fromkeys(graphs, 0)
    for nodes in levels:
        for node in nodes.values():
            if node.get("graph") in called:
                called[node["graph"]] += 1
    renamed = {name: source for name, source in drawn.weights.items() if name != source}
    return ImportReport(
        title,
        len(tape.calls),
        drawn.nodes,
        len(drawn.document["nodes"]),
        called,
        dict(steps.counts),
        {path: f"{step.source}: {step.placeholder}" for path, step in drawn.placeholders.items()},
        renamed,
        len(weights),
        tuple(sorted(name for name in tape.unused if not name.endswith("num_batches_tracked"))),
        notes=tuple(tape.notes),
    )


def _proven(found: ImportedModule, module: nn.Module, arguments: Arguments, tape: Tape, train: bool) -> ImportedModule:
    """The import with what the comparison found.

    Raises:
        GraphError: The graph is not the same function.
    """
    title = found.report.source
    model = found.model
    names = dict(zip(tape.inputs, found.graph.inputs, strict=True))
    notes = list(found.report.notes)

    def as_inputs(given: Arguments) -> dict[str, Tensor]:
        return {names[name]: item for name, item in given.tensors.items()}

    batched = (arguments if tape.batch is None else arguments.with_batch(tape.batch.first)) or arguments
    tries = {"on the example": batched, "on other numbers": batched.with_other_numbers()}
    if tape.batch is not None:
        tries["with a batch of one more"] = batched.with_other_numbers().with_batch(tape.batch.second) or batched
    hint = ""
    try:
        worst = 0.0
        for what, given in tries.items():
            with evaluating(module), torch.no_grad():
                expected = named_tensors(given.given_to(module))
            worst = max(worst, evaluated_alike(model, expected, as_inputs(given), what=what))
        step = None
        if train:
            hint = "; from_module(..., train=False) compares evaluation alone"
            step, more = trained_alike(module, model, batched, as_inputs(batched), _tracked(found))
            notes += more
    except MismatchError as error:
        text = f"the graph is not the same function: {error}"
        raise GraphError(Problem("not-the-same", Where(title), text + hint)) from error
    report = replace(found.report, evaluation=worst, training=step, notes=tuple(notes))
    proven = replace(found, report=report)
    proven.__dict__["model"] = model
    return proven


def _tracked(found: ImportedModule) -> dict[str, str]:
    return {name: found.report.renamed.get(name, name) for name in found.weights}
