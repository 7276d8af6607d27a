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
    "infer_shapes",
    "load",
    "preprocess",
    "read",
    "train",
    "write",
]


def __getattr__(name: str) -> Any:
    """``train`` is imported when it is asked for: distributed training and the readers of data take their time."""
    if name == "train":
        from composer.training import engine  # noqa: PLC0415

        return engine.train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
