"""The rules about a scope as a whole: it has outputs, they hang on every node, and nothing feeds itself in a ring."""

from collections.abc import Iterator

import networkx as nx

from composer.graph import FrozenDict, Ref, Wire, dag_of, refs_of
from composer.ports import Scalar, port_type
from composer.problems import Edit, Fix
from composer.rules.flows import Flow, fits, in_mode
from composer.rules.reach import Reach
from composer.rules.report import Path, Report, put, take
from composer.rules.scopes import Scope
from composer.rules.wiring import Slot, Wires

__all__ = ["check_outputs", "check_rings", "check_unused"]


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
    """Tell of what is not wired yet, and warn of nodes that no output needs."""
    read = {ref.source for outputs in scope.outputs.values() for wire in outputs.values() for ref in refs_of(wire)}
    sections = ("inputs", "data_samples") if not scope.name else ("inputs",)
    for name in scope.inputs:
        if name not in scope.wiring.used and name not in read:
            section = "data_samples" if name not in scope.graph.inputs and not scope.name else sections[0]
            path = scope.path(section, name)
            removal = take(path, f"remove the input {name}", "a caller can hand it over no longer")
            report.add("unused-input", path, name, "nothing reads this input", removal, severity="notice")
    sources = {scope.nodes[name].weights.source for name in scope.wiring.borrowing}
    for name in scope.nodes:
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


def check_rings(report: Report, scope: Scope) -> None:
    """Report each ring of nodes that feed each other."""
    ringed = scope.wiring.ringed
    if not ringed:
        return
    dag = dag_of((), {name: node for name, node in scope.nodes.items() if name in ringed})
    for name, ring in _rings(dag, list(scope.nodes)).items():
        back, wires = ring[-1], scope.nodes[name].inputs
        port, ref = next((port, ref) for port, wire in wires.items() for ref in refs_of(wire) if ref.source == back)
        edits = [edit for other, wire in wires.items() for edit in _without(scope, name, other, wire, back)]
        shown = " -> ".join([*ring[:12], *([f"... ({len(ring) - 12} more)"] if len(ring) > 12 else []), name])
        message = f"{shown}: these nodes feed each other in a ring, so none can run first"
        changes = f"{name} then takes nothing from {back}"
        fix = Fix(f"remove the wire {ref} -> {name}.{port}", tuple(edits), changes)
        report.add("cycle", scope.path("nodes", name, "inputs", port), name, message, fix)


def _rings(dag: "nx.DiGraph[str]", order: list[str]) -> dict[str, list[str]]:
    """A ring out of each knot of rings, from its first node in the file; by that node."""
    found: dict[str, list[str]] = {}
    positions = {name: position for position, name in enumerate(order)}
    for knot in nx.strongly_connected_components(dag):
        start = min(knot, key=positions.__getitem__)
        if len(knot) > 1 or dag.has_edge(start, start):
            ring = [edge[0] for edge in nx.find_cycle(dag.subgraph(knot), start)]
            first = ring.index(min(ring, key=positions.__getitem__))
            ring = ring[first:] + ring[:first]
            found[ring[0]] = ring
    return found


def _without(scope: Scope, node: str, port: str, wire: Wire, source: str) -> Iterator[Edit]:
    """The edits that take every reference to a source out of a wire."""
    path = scope.path("nodes", node, "inputs", port)
    if isinstance(wire, FrozenDict):
        for mode, part in wire.items():
            if any(ref.source == source for ref in refs_of(part)):
                yield from take((*path, mode), "").edits
    elif isinstance(wire, Ref):
        yield from take(path, "").edits if wire.source == source else ()
    elif any(ref.source == source for ref in wire):
        yield from put(path, [str(ref) for ref in wire if ref.source != source], "").edits
