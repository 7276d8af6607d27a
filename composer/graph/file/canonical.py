"""The canonical form of a graph where its components are known."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.graph import FrozenDict, Graph, Node, Wire, thaw
from composer.graph.link import Scope, link

__all__ = ["canonical"]


def canonical(graph: Graph, catalog: Catalog) -> Graph:
    """The same graph without parameters that have their default, and with the port in every reference to a node.

    What names an unknown type stays as it is. Parts that do not change are shared.
    """
    written = link(graph, catalog).written
    graphs = {
        name: replace(body, nodes=_nodes(written[name]), outputs=_named(body.outputs, written[name]))
        for name, body in graph.graphs.items()
    }
    top = written[""]
    outputs = {
        mode: FrozenDict({name: top.full(ref) for name, ref in refs.items()}) for mode, refs in graph.outputs.items()
    }
    return replace(graph, nodes=_nodes(top), graphs=FrozenDict(graphs), outputs=FrozenDict(outputs))


def _nodes(scope: Scope) -> Mapping[str, Node]:
    return FrozenDict({name: _node(node, scope) for name, node in scope.nodes.items()})


def _node(node: Node, scope: Scope) -> Node:
    inputs = _named(node.inputs, scope)
    params = node.params
    component = scope.catalog.get(node.type) if node.weights.rule == "own" else None
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


def _named(wires: Mapping[str, Wire], scope: Scope) -> Mapping[str, Wire]:
    named = {port: wire.map(scope.full) for port, wire in wires.items()}
    return wires if all(named[port] is wire for port, wire in wires.items()) else FrozenDict(named)
