"""Which images of a gallery look most like a query: the cosine similarity of the embeddings that a graph gives."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composer.catalog import Catalog
from composer.component import Component
from composer.model import Model
from composer.plan import plan
from composer.ports import Score
from composer.problems import GraphError, Problem, Where

__all__ = ["Embedder", "ranks_prototypes", "similarities"]


class Embedder:
    """Gives embeddings: what the graph compares with its prototypes, or the only vector of tensor mode.

    Args:
        model: The model.
        catalog: Its components.

    Raises:
        GraphError: The graph gives no embedding, or several.
    """

    def __init__(self, model: Model, catalog: Catalog) -> None:
        self.model = model
        self._module = _prototypes(model, catalog)
        self.mode = "tensor" if self._module is None else "predict"
        if self._module is None and "tensor" not in model.graph.modes:
            raise _refusal("it has no tensor mode, and compares nothing with prototypes")

    def embed(self, inputs: Mapping[str, Any], data_samples: Mapping[str, Any]) -> Tensor:
        """The embeddings [B, D] of a batch, on the CPU.

        Raises:
            GraphError: Tensor mode gives no vector, or several.
        """
        taken: list[Tensor] = []
        with torch.inference_mode(), _listening(self._module, taken):
            outputs = self.model(dict(inputs), dict(data_samples), mode=self.mode)
        if self._module is None:
            taken = [_only_vector(outputs)]
        return taken[0].detach().float().cpu()


def similarities(queries: Tensor, gallery: Tensor) -> Tensor:
    """cos(query, image) of every pair, from -1 to 1.

    Args:
        queries: [Q, D].
        gallery: [N, D].

    Returns:
        [Q, N].
    """
    return F.normalize(queries, eps=1e-8) @ F.normalize(gallery, eps=1e-8).mT


def ranks_prototypes(model: Model, catalog: Catalog) -> bool:
    """Whether predict mode ranks prototypes, and its labels are no classes."""
    return "predict" in model.graph.modes and _prototypes(model, catalog) is not None


def _prototypes(model: Model, catalog: Catalog) -> nn.Module | None:
    """The module that compares embeddings with prototypes in predict mode."""
    if "predict" not in model.graph.modes:
        return None
    calls = plan(model.graph, catalog).programs["predict"].calls
    return next((model.get_submodule(call.module) for call in calls if _ranks_samples(call.component, catalog)), None)


def _ranks_samples(component: Component, catalog: Catalog) -> bool:
    scores = any(port.type.is_a(Score) for port in component.outputs)
    return scores and catalog.kinds[component.kind].of_samples


@contextmanager
def _listening(module: nn.Module | None, taken: list[Tensor]) -> Iterator[None]:
    """Note the first argument of a module's next call."""
    if module is None:
        yield
        return
    handle = module.register_forward_pre_hook(lambda _, given: taken.append(given[0]))
    try:
        yield
    finally:
        handle.remove()


def _only_vector(outputs: Mapping[str, Any]) -> Tensor:
    vectors = {name: value for name, value in outputs.items() if isinstance(value, Tensor) and value.ndim == 2}
    if len(vectors) == 1:
        return next(iter(vectors.values()))
    has = ", ".join(f"{name} {_size(value)}" for name, value in outputs.items()) or "nothing"
    raise _refusal(f"its tensor mode gives {has}")


def _size(value: Any) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else f"({len(value)} levels)"


def _refusal(found: str) -> GraphError:
    text = f"a gallery needs one embedding [B, D] of each image; {found}: wire one output of that size for tensor mode"
    return GraphError(Problem("no-embedding", Where("outputs.tensor"), text))
