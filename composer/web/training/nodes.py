"""The newest numbers of every node of a run, for the canvas."""

import math
from collections.abc import Callable
from pathlib import Path

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import read
from composer.graph.link import link
from composer.problems import GraphError, some_of
from composer.training.node_statistics import NodeReport, NodeStatistics, read_nodes
from composer.web.training.payloads import TrainNode, TrainNodesRequest, TrainNodesView
from composer.web.training.places import Places

__all__ = ["NodeReader"]

_LOG = "events.jsonl"
_GRAPH = "graph.yaml"
_NUMBERS = ("mean", "std", "weight", "gradient")


class NodeReader:
    """Reads them from the end of a run's log.

    Args:
        places: Where runs are.
        graph_of: The graph of a document.
        catalog: The components at this moment.
    """

    def __init__(self, places: Places, graph_of: Callable[[str], Graph], catalog: Callable[[], Catalog]) -> None:
        self.places = places
        self.graph_of = graph_of
        self.catalog = catalog

    def look(self, request: TrainNodesRequest) -> TrainNodesView:
        """The numbers, and how the graph of the canvas differs from that of the run.

        Raises:
            GraphError: There is no such run.
        """
        folder = self.places.existing(request.name)
        report = read_nodes(folder / _LOG)
        shown = NodeReport({}) if report is None else report
        return TrainNodesView(
            name=request.name,
            step=None if report is None else report.step,
            time=shown.time,
            outputs=shown.outputs,
            first_bad=shown.first_bad,
            nodes={path: _view(one) for path, one in shown.nodes.items()},
            differs=None if request.document is None else self._difference(folder / _GRAPH, request.document),
        )

    def _difference(self, path: Path, document: str) -> str:
        """How the nodes of a document differ from those that a run trains, in words; empty where they are the same."""
        try:
            trained = self._nodes(read(path))
        except GraphError:
            return "The graph of this run cannot be read."
        try:
            shown = self._nodes(self.graph_of(document))
        except GraphError:
            return "The graph on the canvas has problems: it is not compared with that of the run."
        gone = [one for one in trained if one not in shown]
        new = [one for one in shown if one not in trained]
        other = [one for one in trained if one in shown and trained[one] != shown[one]]
        parts = [
            f"{words} {some_of(paths, 3)}"
            for words, paths in (("it lacks", gone), ("it has beside", new), ("of another type are", other))
            if paths
        ]
        return f"The graph on the canvas is not that of the run: {'; '.join(parts)}." if parts else ""

    def _nodes(self, graph: Graph) -> dict[str, str]:
        """What each node calls, by its name and that of its subgraph; graphs with problems have it too."""
        return {
            f"{scope.name}/{name}" if scope.name else name: scope.called(name).name
            for scope in link(graph, self.catalog()).scopes.values()
            for name in scope.nodes
        }


def _view(one: NodeStatistics) -> TrainNode:
    """Numbers for JSON, which has no NaN: what is none is named."""
    found = {name: getattr(one, name) for name in _NUMBERS}
    strange = [name for name, value in found.items() if value is not None and not math.isfinite(value)]
    return TrainNode(**{**found, **dict.fromkeys(strange)}, bad=one.bad, not_finite=strange)
