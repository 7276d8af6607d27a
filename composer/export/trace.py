"""One mode of a model as torch.export sees it: a module with named tensors in and a dict out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from composer.export.compare import tensors_in
from composer.graph import Graph
from composer.model import Model
from composer.problems import GraphError, Problem, Where
from composer.run.inputs import example_inputs, shape_of

__all__ = ["Traced", "cause_of", "mode_arguments", "trace"]

BATCH = "B"


@dataclass(frozen=True)
class Traced:
    """A mode that was exported.

    Args:
        mode: The mode.
        program: The program; its inputs and outputs have the names of the graph.
        module: The mode as a module, for comparison.
        inputs: Names of the inputs, in order.
        outputs: Names of the outputs, in order.
        dynamic: For each input its axes that may have any size.
    """

    mode: str
    program: ExportedProgram
    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dynamic: Mapping[str, Mapping[int, Any]]

    @property
    def any_batch(self) -> bool:
        """Whether it takes batches of any size."""
        return any(self.dynamic.values())

    @property
    def note(self) -> str:
        """What it takes, in words."""
        return f"takes {', '.join(self.inputs)}; {'batches of any size' if self.any_batch else 'sizes are fixed'}"


def trace(model: Model, mode: str, batch: int, *, fixed: bool = False) -> Traced:
    """Export one mode.

    Args:
        model: A model in evaluation mode, on the CPU.
        mode: The mode.
        batch: Images in the example.
        fixed: Whether the batch has this size always, and not any.

    Raises:
        GraphError: What goes in or comes out is no fixed set of tensors, or torch cannot export a node.
    """
    module = _mode_module(model, mode)
    arguments = mode_arguments(model, mode, batch)
    _refuse_lists(model.graph, mode, arguments)
    outputs = _static_outputs(model, mode, module, batch)
    dynamic = {name: {} if fixed else _free_axes(model, name) for name in arguments}
    try:
        with torch.no_grad():
            program = torch.export.export(module, (), kwargs=arguments, dynamic_shapes=dict(dynamic))
    except Exception as error:
        name = model.graph.name or "graph"
        sizes = f"a batch of {batch}" if fixed else "a batch of any size"
        text = f"torch.export cannot export this mode with {sizes}: {cause_of(error)}"
        raise GraphError(Problem("export-failed", Where(name, mode=mode), text)) from error
    return Traced(mode, program, module, tuple(arguments), outputs, dynamic)


def mode_arguments(model: Model, mode: str, batch: int) -> dict[str, Any]:
    """Example arguments of one mode by name; floating-point numbers have the model's dtype."""
    inputs, fields = example_inputs(model.graph, batch, types=model.port_types)
    signature = model.signatures[mode]
    dtype = next((tensor.dtype for tensor in model.parameters() if tensor.is_floating_point()), torch.float32)
    chosen = {name: inputs[name] for name in signature.inputs} | {name: fields[name] for name in signature.fields}
    return {
        name: value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
        for name, value in chosen.items()
    }


def _mode_module(model: Model, mode: str) -> nn.Module:
    """The model's nodes under their names, with the mode's generated function as forward."""
    kind = type(f"{mode.capitalize()}Mode", (nn.Module,), {"forward": model.functions[mode]})
    module = cast(nn.Module, kind())
    for name, child in model.named_children():
        module.add_module(name, child)
    return module.eval()


def _free_axes(model: Model, name: str) -> dict[int, Any]:
    entries = {**model.graph.inputs, **model.graph.data_samples}
    shape = shape_of(entries[name], model.port_types) or ()
    return {axis: Dim(BATCH, min=1) for axis, size in enumerate(shape) if size == BATCH}


def _refuse_lists(graph: Graph, mode: str, arguments: Mapping[str, Any]) -> None:
    lists = [name for name, value in arguments.items() if not isinstance(value, Tensor)]
    if lists:
        text = f"'{lists[0]}' is a list with one entry an image; only tensors go into such a file: export --to python"
        raise GraphError(Problem("export-not-static", Where(lists[0], mode=mode), text))


def _static_outputs(model: Model, mode: str, module: nn.Module, batch: int) -> tuple[str, ...]:
    """Names of the output tensors; a sequence of levels gives one each."""
    with torch.no_grad():
        one, other = (module(**mode_arguments(model, mode, size)) for size in (batch, batch + 1))
    problems = []
    for name, value in one.items():
        fixed = dict(tensors_in(value)).keys() == dict(tensors_in(other[name])).keys()
        if not (isinstance(value, Tensor) or (_is_sequence(value) and fixed)):
            what = "one entry an image" if not fixed else f"records ({type(value).__name__})"
            text = f"it holds {what}, and only a fixed number of tensors goes into such a file: export another mode, "
            text += "or --to python"
            problems.append(Problem("export-not-static", Where(f"outputs.{mode}.{name}", mode=mode), text))
    if problems:
        raise GraphError(problems)
    return tuple(name for name, _ in tensors_in(one))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Tensor) for item in value)


def cause_of(error: BaseException) -> str:
    """What an error began with, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
