"""The subgraphs of a graph as a whole: new names, and those that nothing calls."""

from collections.abc import Mapping
from dataclasses import replace

from composer.catalog import Catalog
from composer.edits.canvas import Canvas
from composer.edits.names import accepted, refused
from composer.edits.operations import RemoveSubgraph, RenameSubgraph
from composer.graph import FrozenDict, Graph, Node
from composer.graph.link import link
from composer.problems import suggestion

__all__ = ["remove_subgraph", "rename_subgraph"]


def rename_subgraph(graph: Graph, operation: RenameSubgraph, catalog: Catalog) -> Graph:
    """The graph with another name for a subgraph.

    Raises:
        GraphError: There is none of this name, or the new one is illegal or taken.
    """
    old, new = operation.name, operation.to
    _refuse_unknown(graph, old)
    if new == old:
        return graph
    accepted(new, {*graph.graphs, *catalog.components}, "a subgraph", attribute=False)

    def called(nodes: Mapping[str, Node]) -> FrozenDict:
        return FrozenDict(
            {name: replace(node, graph=new) if node.graph == old else node for name, node in nodes.items()}
        )

    bodies = {
        new if name == old else name: replace(body, nodes=called(body.nodes)) for name, body in graph.graphs.items()
    }
    canvas = Canvas.of(graph)
    if old in canvas.comments:
        canvas.comments[new] = canvas.comments.pop(old)
    metadata = canvas.noted(graph.metadata, {"", *bodies})
    return replace(graph, nodes=called(graph.nodes), graphs=FrozenDict(bodies), metadata=metadata, source=None)


def remove_subgraph(graph: Graph, operation: RemoveSubgraph, catalog: Catalog) -> Graph:
    """The graph without a subgraph.

    Raises:
        GraphError: There is none of this name, or something calls it.
    """
    name = operation.name
    _refuse_unknown(graph, name)
    for scope, calls in link(graph, catalog).callers(name).items():
        if scope != name:
            shown = f"{calls[0]} in {scope}" if scope else calls[0]
            raise refused(f"{shown} calls '{name}': remove it first", name)
    bodies = FrozenDict({scope: body for scope, body in graph.graphs.items() if scope != name})
    metadata = Canvas.of(graph).noted(graph.metadata, {"", *bodies})
    return replace(graph, graphs=bodies, metadata=metadata, source=None)


def _refuse_unknown(graph: Graph, name: str) -> None:
    if name not in graph.graphs:
        shown = name[:40]
        hint = suggestion(shown, graph.graphs, "subgraphs")
        raise refused(f"there is no subgraph '{shown}'; {hint}", shown, code="unknown-subgraph")
