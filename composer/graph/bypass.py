"""Bypassed nodes: the graph as it runs, in which every wire that read one reads what flows into it."""

from collections.abc import Mapping
from dataclasses import replace

from composer.graph import FrozenDict, Graph, Node, Ref, Subgraph, Wire
from composer.graph.scope import Scope

__all__ = ["Detours", "running"]


def running(written: Mapping[str, Scope]) -> Graph:
    """The graph of these scopes without its bypassed nodes; the same object where there are none.

    One whose weights another node uses stays, with nothing that reads it. An output of which nothing is left goes.
    """
    graph = written[""].graph
    graphs = {name: _body(body, Detours(written[name])) for name, body in graph.graphs.items()}
    past = Detours(written[""])
    if not past and all(graphs[name] is body for name, body in graph.graphs.items()):
        return graph
    outputs = {
        mode: FrozenDict({name: found for name, ref in refs.items() if (found := past.of(ref, mode)) is not None})
        for mode, refs in graph.outputs.items()
    }
    return replace(graph, nodes=past.led(), graphs=FrozenDict(graphs), outputs=FrozenDict(outputs))


def _body(body: Subgraph, past: "Detours") -> Subgraph:
    if not past:
        return body
    outputs = {name: found for name, wire in body.outputs.items() if (found := past.wire(wire)) is not None}
    return replace(body, nodes=past.led(), outputs=FrozenDict(outputs))


class Detours:
    """Where references lead when the bypassed nodes of a scope are left out; false where none is bypassed.

    Args:
        scope: The scope as it is written.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.nodes = scope.nodes
        self.around = {name for name, node in scope.nodes.items() if node.bypassed}

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
            parts = (inputs[port].in_mode(mode) for port in self.scope.called(ref.source).carrying(inputs))
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

    def _is_sequence(self, ref: Ref) -> bool:
        component = self.scope.called(ref.source).component
        port = None if component is None else component.output_by_name.get(ref.port or component.outputs[0].name)
        return port is not None and port.type.is_sequence
