"""Bypassed nodes: the graph as it runs, in which every wire that read one reads what flows into it."""

from collections.abc import Mapping
from dataclasses import replace

from composer.catalog import Catalog
from composer.graph import FrozenDict, Graph, Node, Ref, Subgraph, Wire
from composer.graph.scope import Called, called_in, carrying

__all__ = ["Detours", "running"]


def running(graph: Graph, catalog: Catalog) -> Graph:
    """The graph without its bypassed nodes; the same object where there are none.

    One whose weights another node uses stays, with nothing that reads it. An output of which nothing is left goes.
    """
    graphs = {name: _body(body, graph, catalog) for name, body in graph.graphs.items()}
    past = Detours(graph.nodes, graph.graphs, catalog)
    if not past and all(graphs[name] is body for name, body in graph.graphs.items()):
        return graph
    outputs = {
        mode: FrozenDict({name: found for name, ref in refs.items() if (found := past.of(ref, mode)) is not None})
        for mode, refs in graph.outputs.items()
    }
    return replace(graph, nodes=past.led(), graphs=FrozenDict(graphs), outputs=FrozenDict(outputs))


def _body(body: Subgraph, graph: Graph, catalog: Catalog) -> Subgraph:
    past = Detours(body.nodes, graph.graphs, catalog)
    if not past:
        return body
    outputs = {name: found for name, wire in body.outputs.items() if (found := past.wire(wire)) is not None}
    return replace(body, nodes=past.led(), outputs=FrozenDict(outputs))


class Detours:
    """Where references lead when the bypassed nodes of a scope are left out; false where none is bypassed.

    Args:
        nodes: The nodes of the scope.
        graphs: The subgraphs that they may call.
        catalog: The components.
    """

    def __init__(self, nodes: Mapping[str, Node], graphs: Mapping[str, Subgraph], catalog: Catalog) -> None:
        self.nodes = nodes
        self.graphs = graphs
        self.catalog = catalog
        self.around = {name for name, node in nodes.items() if node.bypassed}

    def __bool__(self) -> bool:
        return bool(self.around)

    def of(self, ref: Ref, mode: str) -> Ref | None:
        """What a reference is in a mode; None where nothing flows into the bypassed node that it reads."""
        index, seen = ref.index, set[str]()
        while ref.source in self.around:
            if ref.source in seen:
                return None
            seen.add(ref.source)
            inputs = self.nodes[ref.source].inputs
            parts = (inputs[port].in_mode(mode) for port in carrying(self.called(ref.source), inputs))
            refs = next((part.refs for part in parts if part is not None and part.refs), None)
            if refs is None:
                return None
            ref = refs[0]
        if seen and ref.index is None and index is not None and self._is_sequence(ref):
            return Ref(ref.source, ref.port, index)
        return ref

    def wire(self, wire: Wire) -> Wire | None:
        """What a wire is; None where nothing is left of it."""
        if not any(ref.source in self.around for ref in wire.refs):
            return wire
        return wire.flat_map(lambda ref, mode: () if (found := self.of(ref, mode)) is None else (found,))

    def led(self) -> FrozenDict:
        """The nodes that run, and those whose weights they use, on wires that lead past the others."""
        kept = {name: node for name, node in self.nodes.items() if name not in self.around}
        lent = {node.weights.source for node in kept.values()} & self.around
        while more := {self.nodes[str(name)].weights.source for name in lent} & self.around - lent:
            lent |= more
        found: dict[str, Node] = {}
        for name, node in self.nodes.items():
            if name in kept or name in lent:
                wires = {port: new for port, wire in node.inputs.items() if (new := self.wire(wire)) is not None}
                same = len(wires) == len(node.inputs) and all(wires[port] is node.inputs[port] for port in wires)
                found[name] = node if same else replace(node, inputs=FrozenDict(wires))
        return FrozenDict(found)

    def called(self, name: str) -> Called:
        """What a node calls, also through the source of its weights."""
        return called_in(self.nodes, name, self.graphs, self.catalog)

    def _is_sequence(self, ref: Ref) -> bool:
        component = self.called(ref.source).component
        port = None if component is None else component.output_by_name.get(ref.port or component.outputs[0].name)
        return port is not None and port.type.is_sequence
