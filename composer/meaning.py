"""One level of a graph by what it means: references in full, defaults filled in, a node's identity without its id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx

from composer.catalog import Catalog
from composer.graph import FrozenDict, Graph, Node, Ref, Subgraph, Wire, refs_of, wire_in_mode
from composer.inference import Shapes

__all__ = ["Level", "renamings"]


@dataclass(frozen=True)
class Level:
    """The top level of a graph, or the inside of one of its subgraphs.

    Args:
        graph: The whole graph.
        body: The level.
        catalog: The components.
        modes: The modes that are compared.
        shapes: What parameters were taken from the wire; None inside a subgraph, where it may differ by call.
    """

    graph: Graph
    body: Graph | Subgraph
    catalog: Catalog
    modes: tuple[str, ...]
    shapes: Shapes | None = None

    def origin(self, node: Node) -> Node:
        """The node that says what a node is."""
        seen = 0
        while node.type is None and node.graph is None and seen <= len(self.body.nodes):
            source = self.body.nodes.get(node.weights.source or "")
            if source is None:
                break
            node, seen = source, seen + 1
        return node

    def ref(self, ref: Ref, names: Mapping[str, str] = FrozenDict()) -> str:
        """A reference in its full form, with the nodes' new ids."""
        node = self.body.nodes.get(ref.source)
        ports = () if node is None else self._ports(self.origin(node))
        port = ports[0] if ref.port is None and len(ports) == 1 else ref.port
        return str(Ref(names.get(ref.source, ref.source), port, ref.index))

    def wire(self, wire: Wire | None, names: Mapping[str, str] = FrozenDict()) -> dict[str, Any]:
        """What a wire is in each mode."""
        found: dict[str, Any] = {}
        for mode in self.modes:
            here = None if wire is None else wire_in_mode(wire, mode)
            if isinstance(here, Ref):
                found[mode] = self.ref(here, names)
            else:
                found[mode] = None if here is None else [self.ref(ref, names) for ref in here]
        return found

    def defaults(self, node: Node) -> Mapping[str, Any]:
        """The parameters' defaults of a node's component or subgraph."""
        origin = self.origin(node)
        if origin.graph is not None:
            body = self.graph.graphs.get(origin.graph)
            return body.params if body else {}
        component = self.catalog.get(origin.type)
        return (
            {} if component is None else {item.name: item.default for item in component.parameters if not item.required}
        )

    def given(self, node: Node) -> Mapping[str, Any]:
        """The parameters that are written for a node, or for the one whose weights it uses."""
        return {**self.origin(node).params, **node.params}

    def params(self, name: str) -> Mapping[str, Any]:
        """All parameters of a node: defaults, those taken from the wire as far as they are known, those written."""
        node = self.body.nodes[name]
        known = self.shapes.nodes.get(name) if self.shapes else None
        return {**self.defaults(node), **(known.params if known else {}), **self.given(node)}

    def _ports(self, origin: Node) -> tuple[str, ...]:
        if origin.graph is not None:
            body = self.graph.graphs.get(origin.graph)
            return tuple(body.outputs) if body else ()
        component = self.catalog.get(origin.type)
        return tuple(port.name for port in component.outputs) if component else ()


def renamings(before: Level, after: Level) -> dict[str, str]:
    """New ids of the nodes that are the same but for their id, and stand on the same wires."""
    gone = [name for name in before.body.nodes if name not in after.body.nodes]
    come = [name for name in after.body.nodes if name not in before.body.nodes]
    if not gone or not come:
        return {}
    old = _by_identity(gone, _identities(before, after.body.nodes))
    new = _by_identity(come, _identities(after, before.body.nodes))
    return {
        names[0]: new[identity][0] for identity, names in old.items() if len(names) == len(new.get(identity, ())) == 1
    }


def _by_identity(names: Iterable[str], identities: Mapping[str, int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name in names:
        if name in identities:
            found.setdefault(identities[name], []).append(name)
    return found


def _identities(level: Level, others: Mapping[str, Node]) -> dict[str, int]:
    """For each node that the other graph lacks, a hash of all that it is but its id; nothing where there is a ring."""
    nodes = level.body.nodes
    dag: nx.DiGraph[str] = nx.DiGraph()
    dag.add_nodes_from(nodes)
    for name, node in nodes.items():
        sources = [ref.source for wire in node.inputs.values() for ref in refs_of(wire)]
        sources += [node.weights.source] if node.weights.source else []
        dag.add_edges_from((source, name) for source in sources if source in nodes)
    if not nx.is_directed_acyclic_graph(dag):
        return {}
    found: dict[str, int] = {}
    names: dict[str, str] = {}
    for name in nx.topological_sort(dag):
        if name not in others:
            found[name] = hash(_identity(level, nodes[name], names))
            names[name] = f"#{found[name]}"
    return found


def _identity(level: Level, node: Node, names: Mapping[str, str]) -> str:
    origin = level.origin(node)
    params = {**level.defaults(node), **level.given(node)}
    wires = {port: level.wire(wire, names) for port, wire in node.inputs.items()}
    source = node.weights.source
    weights = replace(node.weights, source=names.get(source, source) if source else source)
    parts = (origin.type, origin.graph, sorted(params.items()), sorted(wires.items()), weights, node.frozen, node.extra)
    return repr(parts)
