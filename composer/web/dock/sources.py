"""What the dock is given: where graphs, components, weights and workers come from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from composer.catalog import Catalog
from composer.graph import Graph
from composer.web.payloads import OpenReply, ReadRequest
from composer.web.runs import Passes, Runner

__all__ = ["Setting", "WeightsPlace"]

WeightsPlace = Literal["workspace", "shipped", "run", "import"]
"""Where an open graph was taken from, and its weights with it."""


@dataclass(frozen=True)
class Setting:
    """What the tabs need to know of the server.

    Args:
        catalog: Gives the components as they are now; called in each handler.
        graph_of: The graph of a document.
        read: A graph as YAML that a person typed (``FileActions.read``).
        weights: The weights beside an open file (``Workspace.weights_of``), those of a run, or those that came with an
            import; None where there are none. It checks the name.
        runner: Runs models in processes of their own; it knows the folders of a user's components.
        passes: Keeps the values of every node of the last runs.
    """

    catalog: Callable[[], Catalog]
    graph_of: Callable[[str], Graph]
    read: Callable[[ReadRequest], OpenReply]
    weights: Callable[[WeightsPlace, str], Path | None]
    runner: Runner
    passes: Passes
