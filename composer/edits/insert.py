"""A node put into a wire."""

from composer.edits.add import add_node, known_part, part_called
from composer.edits.draft import ScopeDraft, edges_of, modes_of
from composer.edits.flows import Flows, Passage, passage, signature_of
from composer.edits.names import refused
from composer.edits.operations import AddNode, Insert, Target
from composer.edits.outputs import mode_of_box
from composer.edits.wires import chosen, connect_ref
from composer.graph import Edge, Ref, Wire
from composer.graph.link import Called
from composer.ports import PortType, Scalar, port_type
from composer.rules.wires import UNKNOWN, Signature

__all__ = ["impassable", "insert", "is_loose", "wanted_at"]


def insert(draft: ScopeDraft, operation: Insert) -> None:
    """Lead a wire through a node: into the port that fits its source, and on from the output that fits its target.

    Raises:
        GraphError: There is no such wire, the node has wires already, or the wire cannot go through.
    """
    if operation.node is not None:
        draft.node(operation.node)
        if not is_loose(draft, operation.node):
            text = f"{operation.node} has wires: only a node without any is put into a wire"
            raise refused(text, node=operation.node)
        called = draft.called(operation.node)
    else:
        known_part(draft, operation.type, operation.graph)
        called = part_called(draft, operation.type, operation.graph)
    edges, at = _wire(draft, operation)
    ref, target = edges[at].ref, operation.target
    way = _passage(draft, called, ref, target)
    name = operation.node or _added(draft, operation)
    connect_ref(draft, way.ref, Target(node=name, port=way.port))
    _lead(draft, operation, edges, at, Ref(name, way.output, way.index))


def is_loose(draft: ScopeDraft, name: str) -> bool:
    """Whether no wire leads to a node or from it."""
    if draft.nodes[name].inputs:
        return False
    return all(ref.source != name for _, _, wire in draft.all_wires() for ref in wire.refs)


def wanted_at(flows: Flows, target: Target) -> PortType | None:
    """What the end of a wire takes; None where that is not known, or where anything may go."""
    box = mode_of_box(target.node)
    if box is not None:
        return port_type(Scalar) if box[0] == "loss" else None
    port = flows.input_port(target.node, target.port)
    return None if port is None or port.type is UNKNOWN else port.type


def impassable(signature: Signature, ref: Ref, given: PortType | None, end: str, wanted: PortType | None) -> str:
    """Why a wire cannot go through a part.

    Args:
        signature: The part.
        ref: What the wire comes from.
        given: What it carries.
        end: Where it goes to.
        wanted: What is taken there.
    """
    name = signature.name
    if not signature.inputs or not signature.outputs:
        return f"{name} has no {'outputs' if signature.inputs else 'inputs'}, so that no wire goes through it"
    if passage(signature, ref, given, None) is None:
        takes = " or ".join(dict.fromkeys(port.type.name for port in signature.inputs.values()))
        return f"{ref} carries {'something else' if given is None else given.name}, {name} takes {takes}"
    return f"{name} does not give what {end} takes: {'something else' if wanted is None else wanted.name}"


def _passage(draft: ScopeDraft, called: Called, ref: Ref, target: Target) -> Passage:
    """The way of a wire through a part.

    Raises:
        GraphError: There is none.
    """
    flows = Flows(draft.base, draft.scope, draft.catalog)
    signature = signature_of(draft.base, draft.catalog, called)
    given, wanted = flows.of(ref), wanted_at(flows, target)
    found = passage(signature, ref, given, wanted)
    if found is None:
        end = f"{target.node}.{target.port}"
        raise refused(impassable(signature, ref, given, end, wanted), f"{ref} -> {end}", code="port-type")
    return found


def _wire(draft: ScopeDraft, operation: Insert) -> tuple[list[Edge], int]:
    """The wires at the end of the one that is meant, and which of them it is."""
    target = operation.target
    box = mode_of_box(target.node)
    wires = draft.outputs.get(box[0], {}) if box is not None else draft.node(target.node).inputs
    wire = wires.get(target.port)
    edges = edges_of(wire)
    return edges, chosen(draft, edges, draft.reference(operation.source), target)


def _added(draft: ScopeDraft, operation: Insert) -> str:
    add_node(
        draft,
        AddNode(type=operation.type, graph=operation.graph, params=operation.params, position=operation.position),
    )
    return draft.created[-1]


def _lead(draft: ScopeDraft, operation: Insert, edges: list[Edge], at: int, ref: Ref) -> None:
    """Let the wire come from the node that was put into it, in the modes that are meant."""
    target, old = operation.target, edges[at]
    modes = tuple(mode for mode in old.modes if mode in modes_of(operation.modes))
    if not modes:
        raise refused("the wire serves none of these modes", f"{old.ref} -> {target.node}.{target.port}")
    rest = tuple(mode for mode in old.modes if mode not in modes)
    edges[at : at + 1] = [Edge(ref, modes), *([Edge(old.ref, rest)] if rest else [])]
    box = mode_of_box(target.node)
    if box is None:
        many = draft.nodes[target.node].inputs[target.port].many
        draft.wire(target.node, target.port, Wire.join(edges, many))
        return
    found = Wire.join(edges, False) if box[0] is None else Wire.of(ref)
    if found is not None:
        draft.outputs[box[0]][target.port] = found
