"""What a node calls, and where a path of calls leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from composer.component import Component
from composer.graph import Graph, Node, Subgraph

__all__ = ["Called", "called_graph", "origin_of", "scope_of"]


def origin_of(nodes: Mapping[str, Node], name: str) -> Node | None:
    """The node that says what a node is: itself, or the nearest source of its weights with a type."""
    found = nodes.get(name)
    seen: set[str] = set()
    while found is not None and found.type is None and found.graph is None:
        if name in seen:
            return None
        seen.add(name)
        name = found.weights.source or ""
        found = nodes.get(name)
    return found


def called_graph(nodes: Mapping[str, Node], name: str) -> str | None:
    """Name of the subgraph that a node calls, also through the source of its weights."""
    origin = origin_of(nodes, name)
    return None if origin is None or origin.type is not None else origin.graph


def scope_of(graph: Graph, path: Sequence[str]) -> tuple[str, list[str]]:
    """The subgraph to which a path of calls leads (empty for the top), and how far the path could be followed."""
    scope, nodes, followed = "", graph.nodes, list[str]()
    for name in path:
        body = called_graph(nodes, name)
        if body not in graph.graphs or body is None:
            break
        scope, nodes = body, graph.graphs[body].nodes
        followed.append(name)
    return scope, followed


@dataclass(frozen=True)
class Called:
    """What a node calls: a component, a subgraph, or something that is not known (neither)."""

    component: Component | None = None
    body: Subgraph | None = None
    name: str = ""

    @property
    def known(self) -> bool:
        """Whether its ports are known."""
        return self.component is not None or self.body is not None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of its input ports."""
        if self.component is not None:
            return tuple(port.name for port in self.component.inputs)
        return () if self.body is None else tuple(self.body.inputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its output ports."""
        if self.component is not None:
            return tuple(port.name for port in self.component.outputs)
        return () if self.body is None else tuple(self.body.outputs)

    def takes_many(self, port: str) -> bool:
        """Whether an input port takes any number of wires."""
        known = None if self.component is None else self.component.input_by_name.get(port)
        return known is not None and known.variadic
