"""Another part in the place of a node, which keeps what fits."""

from collections.abc import Iterator, Mapping, Sequence

from composer.editing.adding import known_part, part_called
from composer.editing.bypassing import carries_on
from composer.editing.draft import Draft
from composer.editing.exchanging import Kept, Use, kept_inputs, kept_outputs, kept_params, types_of
from composer.editing.flowing import Flows
from composer.editing.matching import signature_of
from composer.editing.operations import ReplaceNode
from composer.editing.outputs import drop_output, mode_of_box
from composer.editing.parameters import checked_params
from composer.editing.refusal import refused
from composer.editing.removing import owned
from composer.graph import EMPTY, OWN, Edge, FrozenDict, Node, Ref, Wire
from composer.link import Called
from composer.ports import PortType, Scalar, port_type
from composer.rules.flows import UNKNOWN, Signature

__all__ = ["Exchange", "followers", "replace_node"]


def replace_node(draft: Draft, operation: ReplaceNode) -> None:
    """Call another part in the place of a node, which keeps its id, and the wires and parameters that fit.

    Nodes that have their weights from it become the same. What is not kept is said in the notes.

    Raises:
        GraphError: There is no such node or part, or it is that part already.
    """
    name = operation.node
    node = draft.node(name)
    known_part(draft, operation.type, operation.graph)
    origin = draft.origin(name)
    if origin is not None and (origin.type, origin.graph) == (operation.type, operation.graph):
        raise refused(f"{name} is a {operation.type or operation.graph} already", node=name)
    exchange = Exchange(draft, Flows(draft.base, draft.scope, draft.catalog), name)
    plan = exchange.planned(part_called(draft, operation.type, operation.graph))
    lost = list(dict.fromkeys(text for kept in plan.values() for text in kept.lost))
    if node.weights.rule != "own":
        lost.append(f"the weights of {node.weights.source}")
    lost += _take_over(draft, operation, exchange.group)
    _rewire(draft, plan)
    for one, other in list(draft.nodes.items()):
        if other.bypassed and not carries_on(draft, one):
            draft.change(one, bypassed=False)
            lost.append(f"the bypass of {one}")
    new = operation.type or operation.graph
    if lost:
        draft.notes.append(f"{name} is a {new} now. Not kept: {', '.join(lost)}.")


def followers(nodes: Mapping[str, Node], name: str) -> list[str]:
    """A node, and those that have their weights from it, at any distance."""
    found = [name]
    for one in found:
        found += [other for other, node in nodes.items() if node.weights.source == one and other not in found]
    return found


class Exchange:
    """The wires of a node, and of those that have their weights from it, when it calls something else.

    Args:
        draft: The scope.
        flows: What flows in it.
        name: The node.
    """

    def __init__(self, draft: Draft, flows: Flows, name: str) -> None:
        self.draft = draft
        self.flows = flows
        self.group = followers(draft.nodes, name)
        members = set(self.group)
        self._uses = [
            self._use(edge.ref, node, port)
            for node, port, wire in draft.all_wires()
            for edge in wire.edges()
            if edge.ref.source in members and node not in members
        ]

    def planned(self, new: Called) -> dict[str, Kept]:
        """What each node keeps when it calls something else."""
        signature = signature_of(self.flows.graph, self.draft.catalog, new)
        carried: dict[str, Mapping[str, PortType | None]] = {name: {} for name in self.group}

        def kinds(ref: Ref) -> PortType | None:
            return carried[ref.source].get(ref.port or "") if ref.source in carried else self.flows.of(ref)

        plan: dict[str, Kept] = {}
        for name in self.group:
            plan[name] = kept_inputs(name, self.draft.nodes[name].inputs, signature, kinds)
            carried[name] = types_of(signature, plan[name], kinds)
        for name in self.group:
            from_ = kept_outputs(list(self._from(name, plan, signature)), carried[name])
            plan[name].refs, plan[name].lost = from_.refs, [*plan[name].lost, *from_.lost]
        return plan

    def _from(self, name: str, plan: Mapping[str, Kept], signature: Signature) -> Iterator[Use]:
        """The wires from a node: to others, and to the new ports of those that change with it."""
        yield from (use for use in self._uses if use.ref.source == name)
        for other, kept in plan.items():
            for port, edges in kept.wires.items():
                refs = [edge.ref for edge in edges if edge.ref.source == name]
                yield from (Use(ref, self._port(ref), (other, port), signature.inputs[port].type, None) for ref in refs)

    def _use(self, ref: Ref, node: str, port: str) -> Use:
        box = mode_of_box(node)
        known = None if box is not None else self.flows.input_port(node, port)
        wanted = None if known is None or known.type is UNKNOWN else known.type
        if box is not None and box[0] == "loss":
            wanted = port_type(Scalar)
        return Use(ref, self._port(ref), (node, port), wanted, self.flows.of(ref))

    def _port(self, ref: Ref) -> str | None:
        return self.draft.called(ref.source).full(ref).port


def _take_over(draft: Draft, operation: ReplaceNode, group: Sequence[str]) -> list[str]:
    """Let a node call the part, and those that have its weights follow; tells which parameters are lost."""
    name, *others = group
    params = owned(draft, name).params
    draft.change(name, type=operation.type, graph=operation.graph, params=EMPTY, weights=OWN)
    called = draft.called(name)
    kept, lost = kept_params(params, called.component or called.body, templates=bool(draft.scope))
    found = checked_params(draft, name, kept)
    draft.change(name, params=FrozenDict(found) if found else EMPTY)
    for other in others:
        draft.change(other, type=None, graph=None, params=EMPTY)
    return lost


def _rewire(draft: Draft, plan: Mapping[str, Kept]) -> None:
    """Put the wires that are kept in place, and take the others away."""
    for name, kept in plan.items():
        draft.change(name, inputs=EMPTY)
        for port, edges in kept.wires.items():
            draft.wire(name, port, Wire.join(edges, draft.called(name).takes_many(port)))
    refs = {(use.end, use.ref): ref for kept in plan.values() for use, ref in kept.refs.items()}
    for name, port, wire in list(draft.all_wires()):
        if not any(ref.source in plan for ref in wire.refs):
            continue
        edges = [
            edge if edge.ref.source not in plan else Edge(refs[(name, port), edge.ref], edge.modes)
            for edge in wire.edges()
            if edge.ref.source not in plan or ((name, port), edge.ref) in refs
        ]
        found = Wire.join(edges, wire.many)
        box = mode_of_box(name)
        if found == wire:
            continue
        if box is None:
            draft.wire(name, port, found)
        elif found is None:
            drop_output(draft, box[0], port, None)
        else:
            draft.outputs[box[0]][port] = found
