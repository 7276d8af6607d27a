"""The rules about a scope as a whole: it has outputs, they depend on every node, and no node depends on itself."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import networkx as nx

from composer.graph import Edge, Graph, Ref, Subgraph, Wire, dag_of
from composer.graph.link import Detours, LinkedGraph, Reach, Scope
from composer.ports import Scalar, port_type
from composer.problems import Edit, Fix
from composer.rules.report import Path, Report, put, take
from composer.rules.wires import Flow, Slot, Wires, fits, in_mode

__all__ = ["check_bypassed", "check_cycles", "check_outputs", "check_unused"]


def check_outputs(report: Report, scope: Scope, wires: Wires) -> dict[str, Flow]:
    """Report what is wrong with the outputs of a scope; gives what they carry, by name.

    Args:
        report: Takes the problems.
        scope: The scope.
        wires: Follows references; it knows the nodes of the scope.
    """
    if not any(scope.outputs.values()):
        _no_output(report, scope, wires)
    if scope.name:
        body = scope.graph.graphs[scope.name]
        return {
            name: wires.follow(Slot(scope.path("outputs", name), f"outputs.{name}"), wire)
            for name, wire in body.outputs.items()
        }
    found: dict[str, Flow] = {}
    for mode, outputs in scope.outputs.items():
        for name, wire in outputs.items():
            path = ("outputs", mode, name)
            found[name] = wires.follow(Slot(path, f"outputs.{mode}.{name}", modes=(mode,)), wire)
            if mode == "loss" and not fits(in_mode(found[name], mode), port_type(Scalar)):
                _loss_type(report, path, name, in_mode(found[name], mode).name)
    return found


def _loss_type(report: Report, path: Path, name: str, found: str) -> None:
    message = f"{name} carries {found}; loss mode gives scalars (Loss or Scalar), which training sums or logs"
    report.add("loss-type", path, f"outputs.loss.{name}", message, severity="warning", mode="loss")


def _no_output(report: Report, scope: Scope, wires: Wires) -> None:
    wired = [name for name in scope.nodes if name not in scope.wiring.used and name not in scope.loose]
    ends = [name for name in wired if None in wires.table.get(name, ())]
    path = scope.path("outputs")
    fix: Fix | None = None
    if len(ends) == 1:
        port = next(port for port in wires.table[ends[0]] if port is not None)
        ref = Ref(ends[0], port)
        keys = (port,) if scope.name else ("tensor", port)
        fix = put((*path, *keys), str(ref), f"set outputs.{'.'.join(keys)} to {ref}")
    expected = "at least one" if scope.name else "outputs for at least one of the modes tensor, loss and predict"
    what = f"subgraph '{scope.name}'" if scope.name else "the graph"
    report.add("no-output", path, "outputs", f"{what} has no outputs; expected {expected}", fix)


def check_unused(report: Report, scope: Scope, reach: Reach) -> None:
    """Report what is not wired yet, and warn of nodes that no output needs."""
    read = {ref.source for outputs in scope.outputs.values() for wire in outputs.values() for ref in wire.refs}
    sections = ("inputs", "data_samples") if not scope.name else ("inputs",)
    for name in scope.inputs:
        if name not in scope.wiring.used and name not in read:
            section = "data_samples" if name not in scope.graph.inputs and not scope.name else sections[0]
            path = scope.path(section, name)
            removal = take(path, f"remove the input {name}", "a caller can hand it over no longer")
            report.add("unused-input", path, name, "nothing reads this input", removal, severity="notice")
    sources = {scope.nodes[name].weights.source for name in scope.wiring.borrowing}
    for name in scope.nodes if scope.loose or scope.nodes.keys() - reach.nodes else ():
        if name in scope.loose:
            message = "no wire enters or leaves it yet, so no mode runs it"
            report.add("not-wired", scope.path("nodes", name), name, message, severity="notice")
        elif name not in reach.nodes and name not in sources:
            fix = None if name in scope.wiring.used else _without_node(scope, name)
            message = "no output of any mode needs this node"
            report.add("unreachable-node", scope.path("nodes", name), name, message, fix, severity="warning")


def _without_node(scope: Scope, name: str) -> Fix:
    edits = take(scope.path("nodes", name), "").edits
    if not scope.name and name in scope.graph.layout:
        edits += (Edit(("layout", name), remove=True),)
    return Fix(f"remove the node {name}", edits, "with its parameters and its weights")


def check_bypassed(report: Report, linked: LinkedGraph, scope: Scope) -> None:
    """Report bypassed nodes that are read although nothing flows into them that could go on."""
    graph = linked.graph
    if graph is linked.running:
        return
    body = graph.graphs[scope.name] if scope.name else graph
    past = Detours(linked.written[scope.name])
    wires = [wire for node in body.nodes.values() if not node.bypassed for wire in node.inputs.values()]
    wires += [Wire.of(wire) for outputs in _written_outputs(body) for wire in outputs.values()]
    lost = {ref.source for wire in wires for edge in wire.edges() for ref in _lost(past, edge)}
    for name in lost:
        path = scope.path("nodes", name, "bypassed")
        message = "it is bypassed, but nothing flows into it that could take its place; expected a wire into it"
        report.add("empty-bypass", path, name, message, take(path, f"run {name} again", "it is bypassed no longer"))


def _written_outputs(body: Graph | Subgraph) -> Iterable[Mapping[str, Any]]:
    return body.outputs.values() if isinstance(body, Graph) else (body.outputs,)


def _lost(past: Detours, edge: Edge) -> Iterator[Ref]:
    if edge.ref.source in past.around and all(past.of(edge.ref, mode) is None for mode in edge.modes):
        yield edge.ref


def check_cycles(report: Report, scope: Scope) -> None:
    """Report each cycle of nodes that feed each other."""
    cyclic = scope.wiring.cyclic
    if not cyclic:
        return
    dag = dag_of((), {name: node for name, node in scope.nodes.items() if name in cyclic})
    for name, cycle in _cycles(dag, scope.positions).items():
        back, wires = cycle[-1], scope.nodes[name].inputs
        port, ref = next((port, ref) for port, wire in wires.items() for ref in wire.refs if ref.source == back)
        edits = [edit for other, wire in wires.items() for edit in _without(scope, name, other, wire, back)]
        shown = " -> ".join([*cycle[:12], *([f"... ({len(cycle) - 12} more)"] if len(cycle) > 12 else []), name])
        message = f"{shown}: these nodes feed each other in a cycle, so none can run first"
        changes = f"{name} then takes nothing from {back}"
        fix = Fix(f"remove the wire {ref} -> {name}.{port}", tuple(edits), changes)
        report.add("cycle", scope.path("nodes", name, "inputs", port), name, message, fix)


def _cycles(dag: "nx.DiGraph[str]", positions: Mapping[str, int]) -> dict[str, list[str]]:
    """One cycle out of each strongly connected part, from its first node in the file; by that node."""
    found: dict[str, list[str]] = {}
    for part in nx.strongly_connected_components(dag):
        start = min(part, key=positions.__getitem__)
        if len(part) > 1 or dag.has_edge(start, start):
            cycle = [edge[0] for edge in nx.find_cycle(dag.subgraph(part), start)]
            first = cycle.index(min(cycle, key=positions.__getitem__))
            cycle = cycle[first:] + cycle[:first]
            found[cycle[0]] = cycle
    return found


def _without(scope: Scope, node: str, port: str, wire: Wire, source: str) -> Iterator[Edit]:
    """The edits that take every reference to a source out of a wire."""
    path = scope.path("nodes", node, "inputs", port)
    for mode, part in wire.parts:
        at = path if mode is None else (*path, mode)
        if not any(ref.source == source for ref in part.refs):
            continue
        kept = [str(ref) for ref in part.refs if ref.source != source]
        yield from put(at, kept, "").edits if part.many and mode is None else take(at, "").edits
