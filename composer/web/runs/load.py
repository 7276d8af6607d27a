"""A model for a run: compiled from the document, with the weights that were chosen."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file.document import from_document
from composer.model import Model
from composer.model.compile import compile as compile_graph
from composer.problems import GraphError, Problem, Where
from composer.rules.sizes import infer_shapes
from composer.web.runs.failures import out_of_memory
from composer.web.runs.jobs import WeightsChoice
from composer.web.runs.messages import Failed

__all__ = ["RefusedError", "Workshop", "weights_note"]


class RefusedError(Exception):
    """A run that ends here, with the reason."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed)
        self.failed = failed


@dataclass(frozen=True)
class Workshop:
    """What a worker has to work with.

    Args:
        catalog: The components.
        allowed: How many bytes it may take.
        report: Called with what it does.
    """

    catalog: Catalog
    allowed: int | None
    report: Callable[[str], None]

    def graph(self, document: str) -> Graph:
        """The graph of a document."""
        return from_document(json.loads(document))

    def model(self, graph: Graph, weights: WeightsChoice, device: torch.device | None = None) -> Model:
        """The model, in evaluation mode.

        Raises:
            GraphError: The graph is wrong, or the weights do not fit.
            RefusedError: It needs more memory than there is.
        """
        self.report("Checking the graph")
        shapes = infer_shapes(graph, self.catalog)
        errors = [problem for problem in shapes.problems if problem.severity == "error"]
        if errors:
            raise GraphError(errors)
        needs = sum(node.bytes for node in shapes.nodes.values())
        if self.allowed is not None and needs > self.allowed and shapes.nodes:
            largest = max(shapes.nodes, key=lambda path: shapes.nodes[path].bytes)
            named = f"{largest} ({shapes.nodes[largest].type})"
            raise RefusedError(out_of_memory(named, "", self.allowed, needs))
        self.report("Building the model")
        torch.manual_seed(weights.seed)
        model = compile_graph(graph, self.catalog).eval()
        if weights.path is not None:
            self.report("Reading the weights")
            _load(model, weights)
        return model.to(device) if device is not None else model


def _load(model: Model, weights: WeightsChoice) -> None:
    """Put weights into a model; what is wrong with them names the file as its owner does."""
    try:
        report = model.load_weights(str(weights.path), strict=False, dtype=torch.float32)
    except GraphError as error:
        raise GraphError([_in_words(problem, weights) for problem in error.problems]) from error
    if not report.fits:  # what load_weights says of this ends with a hint for scripts
        raise GraphError(Problem("weights-mismatch", Where(weights.name), report.misfit))


def _in_words(problem: Problem, weights: WeightsChoice) -> Problem:
    text = problem.message.replace(str(weights.path), weights.name)
    if problem.code == "pickle-refused":
        text = "this is not a safetensors file, and others are not read here; the command `composer weights` makes one"
    return replace(problem, where=Where(weights.name), message=text)


def weights_note(weights: WeightsChoice) -> str:
    """Which weights a model has, in a sentence."""
    if weights.path is None:
        return f"Weights: random (seed {weights.seed}), so the numbers are those of a model that learned nothing."
    where = {"shipped": "which lies beside the graph", "imported": "which came with the imported file"}
    return f"Weights: {weights.name}, {where.get(weights.kind, 'uploaded')}."
