"""Another part in the place of a node, which keeps what fits."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.catalog.component import Component, Port
from composer.edits.add import known_part, part_called
from composer.edits.draft import ScopeDraft
from composer.edits.flows import Flows, carried_types, entry_of, farness, fitting, is_near, signature_of
from composer.edits.names import refused
from composer.edits.operations import ReplaceNode
from composer.edits.outputs import drop_output, mode_of_box
from composer.edits.parameters import checked_params
from composer.edits.remove import owned
from composer.edits.settings import carries_on
from composer.graph import EMPTY, OWN, Edge, FrozenDict, Node, Ref, Subgraph, Wire
from composer.graph.link import Called
from composer.graph.templates import is_template
from composer.ports import PortType, Scalar, port_type
from composer.rules.wires import UNKNOWN, Signature, fits

__all__ = [
    "Exchange",
    "Kept",
    "Kinds",
    "Use",
    "followers",
    "kept_inputs",
    "kept_outputs",
    "kept_params",
    "replace_node",
    "types_of",
]


Kinds = Callable[[Ref], PortType | None]
"""What a reference carries; None where that is not known."""


@dataclass(frozen=True)
class Use:
    """A wire from a node.

    Args:
        ref: Its source.
        port: The output port that it leaves; None where that is not known.
        end: The box and the port that it goes to.
        wanted: What is taken there; None where anything may.
        carried: What it carried before; None where that is not known.
    """

    ref: Ref
    port: str | None
    end: tuple[str, str]
    wanted: PortType | None
    carried: PortType | None


@dataclass
class Kept:
    """What is kept, and what found no place.

    Args:
        wires: The single wires into each port.
        refs: The references that take the place of others, by use.
        lost: What is not kept, as people read it.
    """

    wires: dict[str, list[Edge]] = field(default_factory=dict)
    refs: dict[Use, Ref] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def kept_inputs(name: str, inputs: Mapping[str, Wire], signature: Signature, kinds: Kinds) -> Kept:
    """The wires into a node that go on into the ports of what it calls now: by name, then by type.

    A port that may stay without a wire takes none by type but one of its very own.

    Args:
        name: The node.
        inputs: Its wires.
        signature: What it calls now.
        kinds: What its wires carry.
    """
    kept = Kept()
    ports = signature.inputs
    waiting = [(port, edge) for port, wire in inputs.items() for edge in wire.edges()]
    for near in (lambda old, new: old == new.name, lambda old, new: not new.optional, lambda old, new: new.optional):
        left: list[tuple[str, Edge]] = []
        for old, edge in waiting:
            kind = kinds(edge.ref)
            options = [port for port in ports.values() if near(old, port) and _takes(kept, port, edge)]
            ranked = sorted((far, at) for at, port in enumerate(options) for far in _far(edge.ref, kind, port, old))
            if not ranked:
                left.append((old, edge))
                continue
            port = options[ranked[0][1]]
            ref = fitting(edge.ref, kind, port.type) or edge.ref
            kept.wires.setdefault(port.name, []).append(Edge(ref, edge.modes))
        waiting = left
    kept.lost += [f"the wire {edge.ref} -> {name}.{port}" for port, edge in waiting]
    return kept


def kept_outputs(uses: Sequence[Use], outputs: Mapping[str, PortType | None]) -> Kept:
    """The wires from a node that go on from the outputs of what it calls now: by name, then by type.

    Args:
        uses: The wires from it.
        outputs: What its outputs carry now.
    """
    kept = Kept()
    for port in dict.fromkeys(use.port for use in uses):
        mine = [use for use in uses if use.port == port]
        order = sorted(
            outputs, key=lambda output: (output != port, not all(_goes(use, output, outputs) for use in mine))
        )
        for use in mine:
            ref = next((found for output in order for found in _goes(use, output, outputs)), None)
            if ref is None:
                kept.lost.append(f"the wire {use.ref} -> {'.'.join(use.end)}")
            else:
                kept.refs[use] = ref
    return kept


def kept_params(
    params: Mapping[str, Any], called: Component | Subgraph | None, *, templates: bool
) -> tuple[dict[str, Any], list[str]]:
    """The parameters that what a node calls now takes under the same name, and the names of the others.

    Args:
        params: The parameters.
        called: What it calls now.
        templates: Whether a value may name a parameter of the subgraph around it.
    """
    kept: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(called, Component):
            known = name in called.parameter_by_name
            if known and ((templates and is_template(value)) or not called.faults({name: value})):
                kept[name] = value
        elif called is not None and name in called.params:
            kept[name] = value
    return kept, [f"the parameter {name}" for name in params if name not in kept]


def types_of(signature: Signature, kept: Kept, kinds: Kinds) -> Mapping[str, PortType | None]:
    """What the outputs of a part carry, with the wires that it keeps."""
    return carried_types(signature, {port: [kinds(one.ref) for one in found] for port, found in kept.wires.items()})


def _takes(kept: Kept, port: Port, edge: Edge) -> bool:
    """Whether a port is free in the modes of a wire."""
    there: Iterable[Edge] = () if port.variadic else kept.wires.get(port.name, ())
    return not any(mode in edge.modes for other in there for mode in other.modes)


def _far(ref: Ref, kind: PortType | None, port: Port, old: str) -> Iterator[int]:
    """How far a wire is from a port, where it may go there."""
    far = farness(ref, kind, port.type)
    if far is not None and (port.name == old or not port.optional or far == 0):
        yield far


def _goes(use: Use, output: str, outputs: Mapping[str, PortType | None]) -> list[Ref]:
    """The reference to an output that may take the place of a use's, if it fits."""
    given, ref = outputs[output], use.ref
    new = Ref(ref.source, output)
    if use.wanted is None and output != use.port and not _alike(use, given):
        return []
    entry = None if given is None else entry_of(given)
    if ref.index is not None and (entry is not None or given is None):
        fit = entry is None or use.wanted is None or fits(entry, use.wanted)
        return [Ref(ref.source, output, ref.index)] if fit else []
    found = fitting(new, given, use.wanted)
    return [] if found is None else [found]


def _alike(use: Use, given: PortType | None) -> bool:
    """Whether an output of another name carries what the old one did."""
    if given is None or use.carried is None:
        return False
    ref = Ref(use.ref.source, use.port)
    return any(is_near(farness(ref, *pair)) for pair in ((given, use.carried), (use.carried, given)))


def replace_node(draft: ScopeDraft, operation: ReplaceNode) -> None:
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

    def __init__(self, draft: ScopeDraft, flows: Flows, name: str) -> None:
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


def _take_over(draft: ScopeDraft, operation: ReplaceNode, group: Sequence[str]) -> list[str]:
    """Let a node call the part, and those that have its weights follow; returns which parameters are lost."""
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


def _rewire(draft: ScopeDraft, plan: Mapping[str, Kept]) -> None:
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
