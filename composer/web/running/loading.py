"""A model for a run: compiled from the document, with the weights that were chosen."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import torch

from composer.assembly import compile as compile_graph
from composer.catalog import Catalog
from composer.graph import Graph
from composer.graphfile.document import from_document
from composer.inference import infer_shapes
from composer.model import Model
from composer.problems import GraphError
from composer.web.running.jobs import WeightsChoice
from composer.web.running.messages import Failed
from composer.web.running.troubles import out_of_memory

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
        tell: Told what it does.
    """

    catalog: Catalog
    allowed: int | None
    tell: Callable[[str], None]

    def graph(self, document: str) -> Graph:
        """The graph of a document."""
        return from_document(json.loads(document))

    def model(self, graph: Graph, weights: WeightsChoice, device: torch.device | None = None) -> Model:
        """The model, in evaluation mode.

        Raises:
            GraphError: The graph is wrong, or the weights do not fit.
            RefusedError: It needs more memory than there is.
        """
        self.tell("Checking the graph")
        shapes = infer_shapes(graph, self.catalog)
        errors = [problem for problem in shapes.problems if problem.severity == "error"]
        if errors:
            raise GraphError(errors)
        needs = sum(node.bytes for node in shapes.nodes.values())
        if self.allowed is not None and needs > self.allowed and shapes.nodes:
            largest = max(shapes.nodes, key=lambda path: shapes.nodes[path].bytes)
            named = f"{largest} ({shapes.nodes[largest].type})"
            raise RefusedError(out_of_memory(named, "", self.allowed, needs))
        self.tell("Building the model")
        torch.manual_seed(weights.seed)
        model = compile_graph(graph, self.catalog).eval()
        if weights.path is not None:
            self.tell("Reading the weights")
            model.load_weights(weights.path, dtype=torch.float32)
        return model.to(device) if device is not None else model


def weights_note(weights: WeightsChoice) -> str:
    """Which weights a model has, in a sentence."""
    if weights.path is None:
        return f"Weights: random (seed {weights.seed}), so the numbers are those of a model that learned nothing."
    where = "which lies beside the graph" if weights.kind == "shipped" else "uploaded"
    return f"Weights: {weights.name}, {where}."
