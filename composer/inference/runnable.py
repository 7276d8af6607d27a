"""The part of a graph that can be run although other parts are wrong or not yet wired."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import networkx as nx

from composer.catalog import Catalog
from composer.graph import MODES, FrozenDict, Graph, Node, Ref, Subgraph, dag_of, refs_of, wire_in_mode
from composer.problems import Problem

__all__ = ["runnable"]


def runnable(graph: Graph, problems: Iterable[Problem], catalog: Catalog) -> Graph:
    """A graph that holds just what can be run, with every node that can be run in a mode among that mode's outputs.

    Args:
        graph: Any graph that could be read.
        problems: What ``check`` found in it.
        catalog: The components.
    """
    problems = list(problems)
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors and all(problem.severity == "notice" and problem.code != "not-wired" for problem in problems):
        return graph
    loose = {item.where.node for item in problems if item.code == "not-wired" and not item.where.scope}
    broken: dict[str, set[str]] = {"": {name for name in loose if name is not None}}
    for problem in errors:
        if problem.where.node is not None:
            broken.setdefault(problem.where.scope, set()).add(problem.where.node)
    if any(problem.where.scope and problem.where.node is None for problem in errors):
        broken.setdefault("", set()).update(name for name, node in graph.nodes.items() if node.graph)
    graphs = _whole_subgraphs(graph, broken)
    names = {*graph.inputs, *graph.data_samples}
    nodes = _sound(graph.nodes, names, graphs, catalog, broken.get("", set()))
    part = replace(graph, nodes=FrozenDict(nodes), graphs=FrozenDict(graphs))
    outputs = {mode: _outputs(part, mode, catalog) for mode in (graph.modes or MODES[:1])}
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


def _sound(
    nodes: Mapping[str, Node],
    inputs: Iterable[str],
    graphs: Mapping[str, Subgraph],
    catalog: Catalog,
    broken: set[str],
) -> dict[str, Node]:
    """The nodes that are right themselves and hang on nothing that is wrong; no ring among them."""
    dag = dag_of(inputs, nodes)
    rings = {name for ring in nx.strongly_connected_components(dag) if len(ring) > 1 for name in ring}
    dag.remove_nodes_from(rings | set(nx.nodes_with_selfloops(dag)) | broken)
    known = set(inputs)
    for name in nx.topological_sort(dag):
        node = nodes.get(name)
        if node is not None and _references(node) <= known and _has_meaning(node, nodes, graphs, catalog):
            known.add(name)
    while orphans := {name for name in known if name in nodes and _weights_lost(nodes[name], known)}:
        known -= orphans
    sound = {name: node for name, node in nodes.items() if name in known}
    lost = any(not _references(node) <= known for node in sound.values())
    return _sound(sound, inputs, graphs, catalog, set()) if lost else sound


def _references(node: Node) -> set[str]:
    return {ref.source for wire in node.inputs.values() for ref in refs_of(wire)}


def _weights_lost(node: Node, known: set[str]) -> bool:
    return node.weights.source is not None and node.weights.source not in known


def _has_meaning(node: Node, nodes: Mapping[str, Node], graphs: Mapping[str, Subgraph], catalog: Catalog) -> bool:
    seen = 0
    while node.type is None and node.graph is None and node.weights.source in nodes and seen <= len(nodes):
        node, seen = nodes[str(node.weights.source)], seen + 1
    return node.type in catalog if node.type is not None else node.graph in graphs


def _outputs(graph: Graph, mode: str, catalog: Catalog) -> dict[str, Ref]:
    """The mode's own outputs that are left, and every other node that is wired for the mode."""
    found: dict[str, Ref] = {}
    known = {*graph.inputs, *graph.data_samples, *graph.nodes}
    for name, ref in graph.outputs.get(mode, {}).items():
        if ref.source in known and _has_port(graph, ref, catalog):
            found[name] = ref
    complete: set[str] = {*graph.inputs, *graph.data_samples}
    for name in nx.topological_sort(graph.dag):
        node = graph.nodes.get(name)
        if node is not None and _wired(graph, node, mode, catalog, complete):
            complete.add(name)
            found.setdefault(f"{name}.", Ref(name, _first_port(graph, name, catalog)))
    return {name: ref for name, ref in found.items() if ref.source in complete}


def _has_port(graph: Graph, ref: Ref, catalog: Catalog) -> bool:
    if ref.port is None or ref.source not in graph.nodes:
        return True
    origin = _origin(graph, graph.nodes[ref.source])
    if origin.graph is not None:
        return ref.port in graph.graphs[origin.graph].outputs
    return ref.port in catalog[str(origin.type)].output_by_name


def _wired(graph: Graph, node: Node, mode: str, catalog: Catalog, complete: set[str]) -> bool:
    """Whether every required port has a wire in this mode from something that runs in it."""
    required = _required(graph, node, catalog)
    for port in required | set(node.inputs):
        wire = node.inputs.get(port)
        here = None if wire is None else wire_in_mode(wire, mode)
        if here is None:
            if port in required:
                return False
        elif any(ref.source not in complete for ref in refs_of(here)):
            return False
    return True


def _required(graph: Graph, node: Node, catalog: Catalog) -> set[str]:
    origin = _origin(graph, node)
    if origin.graph is not None:
        return set(graph.graphs[origin.graph].inputs) & set(node.inputs)
    return {port.name for port in catalog[str(origin.type)].inputs if not port.optional and not port.variadic}


def _first_port(graph: Graph, name: str, catalog: Catalog) -> str | None:
    origin = _origin(graph, graph.nodes[name])
    if origin.graph is not None:
        return next(iter(graph.graphs[origin.graph].outputs), None)
    return catalog[str(origin.type)].outputs[0].name


def _origin(graph: Graph, node: Node) -> Node:
    while node.type is None and node.graph is None:
        node = graph.nodes[str(node.weights.source)]
    return node
