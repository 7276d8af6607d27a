"""The part of a graph that can be run although other parts are wrong or not yet wired."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

import networkx as nx

from composer.catalog import Catalog
from composer.graph import MODES, FrozenDict, Graph, Node, Ref, Subgraph, dag_of
from composer.graph.link import LinkedGraph, Scope, link
from composer.problems import Problem

__all__ = ["runnable"]


def runnable(linked: LinkedGraph, problems: Iterable[Problem]) -> Graph:
    """A graph that holds just what can be run, with every node that can be run in a mode among that mode's outputs.

    Args:
        linked: Any graph that could be read.
        problems: What ``check`` found in it.
    """
    graph, catalog = linked.running, linked.catalog
    problems = list(problems)
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors and all(problem.severity == "notice" and problem.code != "not-wired" for problem in problems):
        return linked.graph
    loose = {item.where.node for item in problems if item.code == "not-wired" and not item.where.scope}
    broken: dict[str, set[str]] = {"": {name for name in loose if name is not None}}
    for problem in errors:
        if problem.where.node is not None:
            broken.setdefault(problem.where.scope, set()).add(problem.where.node)
    if any(problem.where.scope and problem.where.node is None for problem in errors):
        broken.setdefault("", set()).update(name for name, node in graph.nodes.items() if node.graph)
    part = replace(graph, graphs=FrozenDict(_whole_subgraphs(graph, broken)))
    part = _sound(part, catalog, broken[""])
    scope = link(part, catalog).scopes[""]
    outputs = {mode: _outputs(scope, mode) for mode in (graph.modes or MODES[:1])}
    return replace(part, outputs=FrozenDict({mode: FrozenDict(found) for mode, found in outputs.items()}))


def _whole_subgraphs(graph: Graph, broken: Mapping[str, set[str]]) -> dict[str, Subgraph]:
    """The subgraphs without an error in them or in those that they call."""
    bad = {scope for scope in broken if scope}
    while True:
        more = {
            name
            for name, body in graph.graphs.items()
            if name not in bad and any(node.graph in bad for node in body.nodes.values())
        }
        if not more:
            return {name: body for name, body in graph.graphs.items() if name not in bad}
        bad |= more


def _sound(graph: Graph, catalog: Catalog, broken: Set[str] = frozenset()) -> Graph:
    """The graph with the nodes that are right themselves and depend on nothing that is wrong; no cycle among them."""
    scope = link(graph, catalog).written[""]
    nodes = scope.nodes
    dag = dag_of(scope.inputs, nodes)
    cycles = {name for part in nx.strongly_connected_components(dag) if len(part) > 1 for name in part}
    dag.remove_nodes_from(cycles | set(nx.nodes_with_selfloops(dag)) | broken)
    known = set(scope.inputs)
    for name in nx.topological_sort(dag):
        node = nodes.get(name)
        if node is not None and _references(node) <= known and scope.called(name).known:
            known.add(name)
    while orphans := {name for name in known if name in nodes and _weights_lost(nodes[name], known)}:
        known -= orphans
    sound = {name: node for name, node in nodes.items() if name in known}
    part = replace(graph, nodes=FrozenDict(sound))
    lost = any(not _references(node) <= known for node in sound.values())
    return _sound(part, catalog) if lost else part


def _references(node: Node) -> set[str]:
    return {ref.source for wire in node.inputs.values() for ref in wire.refs}


def _weights_lost(node: Node, known: set[str]) -> bool:
    return node.weights.source is not None and node.weights.source not in known


def _outputs(scope: Scope, mode: str) -> dict[str, Ref]:
    """The mode's own outputs that are left, and every other node that is wired for the mode."""
    found: dict[str, Ref] = {}
    for name, wire in scope.outputs.get(mode, {}).items():
        ref = wire.refs[0]
        if ref.source in scope.inputs or (ref.source in scope.nodes and _has_port(scope, ref)):
            found[name] = ref
    complete: set[str] = {*scope.inputs}
    for name in scope.wiring.order:
        if _wired(scope, name, mode, complete):
            complete.add(name)
            found.setdefault(f"{name}.", Ref(name, next(iter(scope.called(name).outputs), None)))
    return {name: ref for name, ref in found.items() if ref.source in complete}


def _has_port(scope: Scope, ref: Ref) -> bool:
    return ref.port is None or ref.port in scope.called(ref.source).outputs


def _wired(scope: Scope, name: str, mode: str, complete: set[str]) -> bool:
    """Whether every required port has a wire in this mode from something that runs in it."""
    inputs = scope.nodes[name].inputs
    required = _required(scope, name)
    for port in required | set(inputs):
        wire = inputs.get(port)
        here = None if wire is None else wire.in_mode(mode)
        if here is None:
            if port in required:
                return False
        elif any(ref.source not in complete for ref in here.refs):
            return False
    return True


def _required(scope: Scope, name: str) -> set[str]:
    component = scope.component(name)
    if component is None:
        return set(scope.called(name).inputs) & scope.nodes[name].inputs.keys()
    return {port.name for port in component.inputs if not port.optional and not port.variadic}
