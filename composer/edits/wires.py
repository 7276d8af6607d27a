"""Wires: connect, disconnect, and the modes that a wire serves."""

from collections.abc import Mapping, Sequence

from composer.edits.draft import ScopeDraft, edges_of, modes_of
from composer.edits.flows import Flows, best_inputs, best_outputs, fitting
from composer.edits.names import refused
from composer.edits.operations import Connect, Disconnect, SetOutput, SetWireModes, Target
from composer.edits.outputs import NEW, drop_output, mode_of_box, set_output
from composer.graph import MODES, Edge, Node, Ref, Wire
from composer.problems import suggestion

__all__ = ["chosen", "closes_cycle", "connect", "connect_ref", "disconnect", "set_wire_modes"]


def closes_cycle(nodes: Mapping[str, Node], source: str, target: str) -> bool:
    """Whether a wire from one node to another would make them feed each other."""
    seen: set[str] = set()
    stack = [source]
    while stack:
        name = stack.pop()
        if name == target:
            return True
        if name in nodes and name not in seen:
            seen.add(name)
            stack.extend(ref.source for wire in nodes[name].inputs.values() for ref in wire.refs)
    return False


def connect(draft: ScopeDraft, operation: Connect) -> None:
    """Wire a source to a port, or to an output; of a sequence the last level, where the port takes one.

    Raises:
        GraphError: An end is not there, does not fit, or several fit equally and none is named.
    """
    target = operation.target
    flows = Flows(draft.base, draft.scope, draft.catalog)
    ref = _source(draft, flows, operation)
    if mode_of_box(target.node) is not None:
        mode, _ = mode_of_box(target.node) or (None, "")
        name = None if target.port in NEW else target.port
        set_output(
            draft, SetOutput(mode=mode, name=name, source=str(ref), modes=operation.modes if mode is None else None)
        )
        return
    if not target.port:
        target = Target(node=target.node, port=_port(draft, flows, ref, target.node))
    port = flows.input_port(target.node, target.port) if target.node in draft.nodes else None
    kind = None if port is None else port.type
    connect_ref(draft, fitting(ref, flows.of(ref), kind) or ref, target, modes_of(operation.modes))


def _source(draft: ScopeDraft, flows: Flows, operation: Connect) -> Ref:
    """The source that is named; of a node alone with several outputs the one that fits."""
    name, target = operation.source, operation.target
    outputs = draft.called(name).outputs if name in draft.nodes else ()
    if len(outputs) < 2:
        return draft.reference(name)
    port = None if mode_of_box(target.node) is not None else flows.input_port(target.node, target.port)
    kinds = {output: flows.of(Ref(name, output)) for output in outputs}
    best = best_outputs(name, kinds, None if port is None else port.type)
    return Ref(name, _only(best, name, f"{target.node}.{target.port}".rstrip("."), "outputs"))


def _port(draft: ScopeDraft, flows: Flows, ref: Ref, name: str) -> str:
    """The input port of a node that fits a source."""
    node = draft.node(name)
    ports = [port for one in draft.called(name).inputs if (port := flows.input_port(name, one)) is not None]
    served = {port: {mode for edge in edges_of(wire) for mode in edge.modes} for port, wire in node.inputs.items()}
    taken = {port for port, modes in served.items() if len(modes) == len(MODES)}
    return _only(best_inputs(ref, flows.of(ref), ports, taken, served), name, str(ref), "inputs")


def _only(best: Sequence[str], name: str, other: str, what: str) -> str:
    """The one port that fits best.

    Raises:
        GraphError: None fits, or several fit equally.
    """
    if len(best) == 1:
        return best[0]
    if not best:
        raise refused(f"none of the {what} of {name} fits {other}", f"{name} - {other}", code="port-type", node=name)
    text = f"{', '.join(best)} of {name} fit {other} equally: name one of them"
    raise refused(text, f"{name} - {other}", code="several-ports", node=name)


def connect_ref(draft: ScopeDraft, ref: Ref, target: Target, modes: tuple[str, ...] = modes_of(None)) -> None:
    """Wire a reference to a port of a node.

    Raises:
        GraphError: There is no such port, no mode is named, or a cycle would close.
    """
    node = draft.node(target.node)
    many = _known_port(draft, target)
    if not modes:
        raise refused("a wire serves at least one mode", f"{ref} -> {target.node}.{target.port}", node=target.node)
    if ref.source in draft.nodes and closes_cycle(draft.nodes, ref.source, target.node):
        text = f"{target.node} feeds {ref.source} already, so this wire would close a cycle, and none could run first"
        raise refused(text, f"{ref} -> {target.node}.{target.port}", code="cycle", node=target.node, port=target.port)
    wire = node.inputs.get(target.port)
    several = many or ((wire is not None and wire.many) and target.at is not None)
    edges = edges_of(wire)
    if not several:
        kept = [Edge(old.ref, _less(old.modes, modes)) for old in edges]
        draft.wire(target.node, target.port, Wire.join([*kept, Edge(ref, modes)], False))
        return
    at = len(edges) if target.at is None else _position(draft, target, wire)
    if at < len(edges):
        edges[at] = Edge(edges[at].ref, _less(edges[at].modes, modes))
    edges.insert(at, Edge(ref, modes))
    draft.wire(target.node, target.port, Wire.join(edges, True))


def disconnect(draft: ScopeDraft, operation: Disconnect) -> None:
    """Remove a port's wire, or an output."""
    target = operation.target
    box = mode_of_box(target.node)
    if box is not None:
        drop_output(draft, box[0], target.port, operation.modes)
        return
    wire = draft.node(target.node).inputs.get(target.port)
    if wire is None:
        raise refused(f"nothing is wired to {target.node}.{target.port}", node=target.node, port=target.port)
    modes = modes_of(operation.modes)
    edges = edges_of(wire)
    for at in range(len(edges)) if target.at is None else (_position(draft, target, wire),):
        edges[at] = Edge(edges[at].ref, _less(edges[at].modes, modes))
    draft.wire(target.node, target.port, Wire.join(edges, wire.many))


def set_wire_modes(draft: ScopeDraft, operation: SetWireModes) -> None:
    """Say which modes a wire serves; a port that takes one wire loses in these the ones it has."""
    target = operation.target
    box = mode_of_box(target.node)
    ref = draft.reference(operation.source)
    modes = modes_of(operation.modes)
    if box is not None and box[0] is not None:
        raise refused("an output of a mode serves that mode", target.node)
    outputs = draft.outputs.get(None, {}) if box is not None else {}
    wire = outputs.get(target.port) if box is not None else draft.node(target.node).inputs.get(target.port)
    edges = edges_of(wire)
    at = chosen(draft, edges, ref, target)
    many = wire is not None and wire.many
    if not many:
        edges = [Edge(old.ref, _less(old.modes, modes)) for old in edges]
    edges[at] = Edge(edges[at].ref, modes)
    found = Wire.join(edges, many)
    if box is None:
        draft.wire(target.node, target.port, found)
    elif found is None:
        drop_output(draft, None, target.port, None)
    else:
        outputs[target.port] = found


def chosen(draft: ScopeDraft, edges: Sequence[Edge], ref: Ref, target: Target) -> int:
    """Which of a port's wires is meant: the one at its place where it is from the source, else the first from it.

    Raises:
        GraphError: None of them is from the source.
    """
    if target.at is not None and 0 <= target.at < len(edges) and draft.reference(str(edges[target.at].ref)) == ref:
        return target.at
    for position, edge in enumerate(edges):
        if edge.ref == ref or (edge.ref.port is None and Ref(ref.source, None, ref.index) == edge.ref):
            return position
    raise refused(f"{ref} is not wired to {target.node}.{target.port}", node=target.node, port=target.port)


def _known_port(draft: ScopeDraft, target: Target) -> bool:
    """Whether a port takes many wires.

    Raises:
        GraphError: What the node calls has no such port.
    """
    called = draft.called(target.node)
    if called.known and target.port not in called.inputs:
        port = target.port[:40]
        text = f"'{called.name}' has no input '{port}'; {suggestion(port, called.inputs, 'inputs')}"
        raise refused(text, f"{target.node}.{port}", code="unknown-port", node=target.node, port=port)
    return called.takes_many(target.port)


def _position(draft: ScopeDraft, target: Target, wire: Wire | None) -> int:
    count = len(edges_of(wire))
    if target.at is None or not 0 <= target.at < count:
        text = f"{target.node}.{target.port} has {count} wires, counted from 0; found {target.at}"
        raise refused(text, node=target.node, port=target.port)
    return target.at


def _less(modes: tuple[str, ...], without: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mode for mode in modes if mode not in without)
