"""The canonical form of a graph where its components are known."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from composer.catalog import Catalog
from composer.component import Component
from composer.graph import FrozenDict, Graph, Node, Ref, Subgraph, Wire, thaw

__all__ = ["canonical"]


def canonical(graph: Graph, catalog: Catalog) -> Graph:
    """The same graph without parameters that have their default, and with the port in every reference to a node.

    What names an unknown type stays as it is. Parts that do not change are shared.
    """
    graphs = {
        name: replace(
            subgraph,
            nodes=_nodes(subgraph.nodes, graph, catalog),
            outputs=_named(subgraph.outputs, _Outputs(subgraph.nodes, graph, catalog)),
        )
        for name, subgraph in graph.graphs.items()
    }
    outputs = _Outputs(graph.nodes, graph, catalog)
    return replace(
        graph,
        nodes=_nodes(graph.nodes, graph, catalog),
        graphs=FrozenDict(graphs),
        outputs=FrozenDict({mode: _named(refs, outputs) for mode, refs in graph.outputs.items()}),
    )


class _Outputs:
    """What the only output of a node is called."""

    def __init__(self, nodes: Mapping[str, Node], graph: Graph, catalog: Catalog) -> None:
        self.nodes = nodes
        self.graph = graph
        self.catalog = catalog

    def only(self, name: str) -> str | None:
        """The output of a node that has just one; None where it is not known, or there are several."""
        called = self._called(name)
        if isinstance(called, Subgraph):
            names = list(called.outputs)
        else:
            names = [] if called is None else [port.name for port in called.outputs]
        return names[0] if len(names) == 1 else None

    def _called(self, name: str) -> Component | Subgraph | None:
        seen: set[str] = set()
        while name in self.nodes and name not in seen:
            seen.add(name)
            node = self.nodes[name]
            if node.graph is not None:
                return self.graph.graphs.get(node.graph)
            if node.type is not None:
                return self.catalog.get(node.type)
            name = node.weights.source or ""
        return None


def _nodes(nodes: Mapping[str, Node], graph: Graph, catalog: Catalog) -> Mapping[str, Node]:
    outputs = _Outputs(nodes, graph, catalog)
    return FrozenDict({name: _node(node, outputs, catalog) for name, node in nodes.items()})


def _node(node: Node, outputs: _Outputs, catalog: Catalog) -> Node:
    inputs = _named(node.inputs, outputs)
    params = node.params
    component = catalog.get(node.type) if node.weights.rule == "own" else None
    if component is not None:
        params = _in_order(params, component)
    same = inputs is node.inputs and params is node.params
    return node if same else replace(node, inputs=inputs, params=params)


def _in_order(params: Mapping[str, Any], component: Component) -> Mapping[str, Any]:
    """Parameters in the order of the constructor, without those that have their default; unknown ones last."""
    known = component.parameter_by_name
    names = [*(name for name in known if name in params), *(name for name in params if name not in known)]
    kept = {
        name: params[name]
        for name in names
        if name not in known or known[name].required or repr(thaw(params[name])) != repr(thaw(known[name].default))
    }
    return params if list(kept) == list(params) else FrozenDict(kept)


def _named(wires: Mapping[str, Wire], outputs: _Outputs) -> Any:
    named = {port: _wire(wire, outputs) for port, wire in wires.items()}
    return wires if all(named[port] is wire for port, wire in wires.items()) else FrozenDict(named)


def _wire(wire: Wire, outputs: _Outputs) -> Wire:
    if isinstance(wire, Ref):
        port = outputs.only(wire.source) if wire.port is None else None
        return wire if port is None else Ref(wire.source, port, wire.index)
    if isinstance(wire, FrozenDict):
        found = {mode: _wire(part, outputs) for mode, part in wire.items()}
        return wire if all(found[mode] is part for mode, part in wire.items()) else FrozenDict(found)
    parts = tuple([_wire(part, outputs) for part in wire])
    return wire if all(new is old for new, old in zip(parts, wire, strict=True)) else parts  # type: ignore[return-value]
