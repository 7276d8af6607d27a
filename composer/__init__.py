"""composer: vision models as graphs.

A graph is data: components as nodes with typed ports, wired into a directed acyclic graph and saved as YAML. It is
checked, its sizes are inferred, and it is compiled into an ordinary ``torch.nn.Module`` with three forward modes::

    import composer

    model = composer.load("saved_graphs/classification/resnet18_cifar.yaml")
    losses = model(images, {"label": labels}, mode="loss")
"""

from typing import TYPE_CHECKING, Any

from composer.catalog import Catalog
from composer.catalog.limits import Limits
from composer.graph import Graph
from composer.graph.builder import GraphBuilder
from composer.graph.file import read, write
from composer.graph.file.document import edit
from composer.model import Model
from composer.model.compile import compile, load
from composer.problems import GraphError, Problem
from composer.rules import check
from composer.rules.sizes import infer_shapes
from composer.run.images import preprocess

if TYPE_CHECKING:
    from composer.modules import from_module, from_pt2
    from composer.training.engine import train

__all__ = [
    "Catalog",
    "Graph",
    "GraphBuilder",
    "GraphError",
    "Limits",
    "Model",
    "Problem",
    "check",
    "compile",
    "edit",
    "from_module",
    "from_pt2",
    "infer_shapes",
    "load",
    "preprocess",
    "read",
    "train",
    "write",
]


_MOST_DRAWN = 500
"""Nodes of the largest graph that a notebook draws by itself."""


def _mimebundle(shown: Graph | Model, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows of a graph or a model: its drawing, with the sizes on the wires."""
    from composer.export.draw import draw  # noqa: PLC0415

    graph = shown.graph if isinstance(shown, Model) else shown
    plain = {"text/plain": repr(shown)}
    return plain if len(graph.nodes) > _MOST_DRAWN else {**plain, "image/svg+xml": draw(graph)}


# Here and not in their classes: what draws lies in a layer above theirs.
Graph._repr_mimebundle_ = Model._repr_mimebundle_ = _mimebundle  # type: ignore[attr-defined]


def __getattr__(name: str) -> Any:
    """What is slow to import is imported on first use: training, and the import of modules."""
    if name == "train":
        from composer.training import engine  # noqa: PLC0415

        return engine.train
    if name in ("from_module", "from_pt2"):
        from composer import modules  # noqa: PLC0415

        return getattr(modules, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
