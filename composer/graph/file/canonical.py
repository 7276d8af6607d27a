"""The canonical form of a graph where its components are known."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.graph import FrozenDict, Graph, Node, Ref, Wire, thaw
from composer.graph.link import Called, called_in

__all__ = ["canonical"]


def canonical(graph: Graph, catalog: Catalog) -> Graph:
    """The same graph without parameters that have their default, and with the port in every reference to a node.

    What names an unknown type stays as it is. Parts that do not change are shared.
    """
    graphs = {}
    for name, body in graph.graphs.items():
        inner = _Ports(body.nodes, graph, catalog)
        graphs[name] = replace(body, nodes=_nodes(inner), outputs=_named(body.outputs, inner))
    ports = _Ports(graph.nodes, graph, catalog)
    outputs = {
        mode: FrozenDict({name: ports.full(ref) for name, ref in refs.items()}) for mode, refs in graph.outputs.items()
    }
    return replace(graph, nodes=_nodes(ports), graphs=FrozenDict(graphs), outputs=FrozenDict(outputs))


class _Ports:
    """What references in one scope mean in full, bypassed nodes among them."""

    def __init__(self, nodes: Mapping[str, Node], graph: Graph, catalog: Catalog) -> None:
        self.nodes = nodes
        self.graph = graph
        self.catalog = catalog

    def called(self, name: str) -> Called:
        return called_in(self.nodes, name, self.graph.graphs, self.catalog)

    def full(self, ref: Ref) -> Ref:
        """A reference with its port, where its source has just one output."""
        return ref if ref.port is not None or ref.source not in self.nodes else self.called(ref.source).full(ref)


def _nodes(ports: _Ports) -> Mapping[str, Node]:
    return FrozenDict({name: _node(node, ports) for name, node in ports.nodes.items()})


def _node(node: Node, ports: _Ports) -> Node:
    inputs = _named(node.inputs, ports)
    params = node.params
    component = ports.catalog.get(node.type) if node.weights.rule == "own" else None
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


def _named(wires: Mapping[str, Wire], ports: _Ports) -> Mapping[str, Wire]:
    named = {port: wire.map(ports.full) for port, wire in wires.items()}
    return wires if all(named[port] is wire for port, wire in wires.items()) else FrozenDict(named)
