"""One level of a graph by what it means: references in full, defaults filled in, a node's identity without its id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx

from composer.catalog import Catalog
from composer.graph import FrozenDict, Graph, Node, Ref, Subgraph, Wire
from composer.inference import Shapes
from composer.link import Called, called_in, origin_of

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

    def origin(self, name: str) -> Node:
        """The node that says what a node is."""
        return self.body.nodes[origin_of(self.body.nodes, name) or name]

    def called(self, name: str) -> Called:
        """What a node calls."""
        return called_in(self.body.nodes, name, self.graph.graphs, self.catalog)

    def ref(self, ref: Ref, names: Mapping[str, str] = FrozenDict()) -> str:
        """A reference in its full form, with the nodes' new ids."""
        full = self.called(ref.source).full(ref) if ref.source in self.body.nodes else ref
        return str(Ref(names.get(ref.source, ref.source), full.port, ref.index))

    def wire(self, wire: Wire | None, names: Mapping[str, str] = FrozenDict()) -> dict[str, Any]:
        """What a wire is in each mode."""
        found: dict[str, Any] = {}
        for mode in self.modes:
            here = None if wire is None else wire.in_mode(mode)
            refs = [self.ref(ref, names) for ref in (here.refs if here else ())]
            found[mode] = None if here is None else refs if here.many else refs[0]
        return found

    def given(self, name: str) -> Mapping[str, Any]:
        """The parameters that are written for a node, or for the one whose weights it uses."""
        return {**self.origin(name).params, **self.body.nodes[name].params}

    def params(self, name: str) -> Mapping[str, Any]:
        """All parameters of a node: defaults, those taken from the wire as far as they are known, those written."""
        known = self.shapes.nodes.get(name) if self.shapes else None
        return {**self.called(name).defaults, **(known.params if known else {}), **self.given(name)}


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
    """For each node that the other graph lacks, a hash of all that it is but its id; nothing where there is a cycle."""
    nodes = level.body.nodes
    dag: nx.DiGraph[str] = nx.DiGraph()
    dag.add_nodes_from(nodes)
    for name, node in nodes.items():
        sources = [ref.source for wire in node.inputs.values() for ref in wire.refs]
        sources += [node.weights.source] if node.weights.source else []
        dag.add_edges_from((source, name) for source in sources if source in nodes)
    if not nx.is_directed_acyclic_graph(dag):
        return {}
    found: dict[str, int] = {}
    names: dict[str, str] = {}
    for name in nx.topological_sort(dag):
        if name not in others:
            found[name] = hash(_identity(level, name, names))
            names[name] = f"#{found[name]}"
    return found


def _identity(level: Level, name: str, names: Mapping[str, str]) -> str:
    node, origin = level.body.nodes[name], level.origin(name)
    params = {**level.called(name).defaults, **level.given(name)}
    wires = {port: level.wire(wire, names) for port, wire in node.inputs.items()}
    source = node.weights.source
    weights = replace(node.weights, source=names.get(source, source) if source else source)
    flags = (node.frozen, node.bypassed, node.extra)
    return repr((origin.type, origin.graph, sorted(params.items()), sorted(wires.items()), weights, flags))
