"""The rules about wires: every reference leads somewhere, and what it carries fits where it goes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from composer.catalog.component import Component, Port
from composer.graph import MODES, Ref, Refs, Wire
from composer.graph.link import Scope
from composer.ports import AnyTensor, PortType, port_type
from composer.problems import Fix
from composer.rules.report import Path, Report, put

__all__ = [
    "NOTHING_KNOWN",
    "UNKNOWN",
    "ByMode",
    "Flow",
    "Outputs",
    "Signature",
    "Slot",
    "Wires",
    "combine",
    "fits",
    "in_mode",
    "in_modes",
    "produced",
]


UNKNOWN = PortType("unknown")
"""Stands for what something wrong gives, so that one mistake is reported once."""


@dataclass(frozen=True, eq=False)
class ByMode:
    """What a wire carries where that differs by mode; nothing in a mode that is left out."""

    types: Mapping[str, PortType]


Flow = PortType | ByMode
"""What a wire carries."""


@dataclass(frozen=True, eq=False)
class Signature:
    """The ports of what a node calls.

    Args:
        name: Name of the component or of the subgraph.
        inputs: The input ports by name.
        outputs: What each output carries; for an output like an input, where that has no wire.
        component: The component; None for a subgraph.
    """

    name: str
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Flow]
    component: Component | None = None

    @classmethod
    def of_component(cls, component: Component) -> "Signature":
        """The ports of a component."""
        outputs = {port.name: port.type for port in component.outputs}
        return cls(component.name, component.input_by_name, outputs, component)

    @classmethod
    def of_subgraph(cls, name: str, inputs: Mapping[str, PortType], outputs: Mapping[str, Flow]) -> "Signature":
        """The ports of a subgraph: what its inputs take and what its outputs carry."""
        return cls(name, {port: Port(port, kind) for port, kind in inputs.items()}, outputs)


def fits(given: PortType, wanted: PortType) -> bool:
    """Whether an output may be wired to an input, as far as is known."""
    return given is wanted or given is UNKNOWN or wanted is UNKNOWN or given.feeds(wanted)


def in_mode(flow: Flow, mode: str | None) -> PortType:
    """What a wire carries in one mode."""
    if isinstance(flow, PortType):
        return flow
    return flow.types.get(mode or "", UNKNOWN)


def in_modes(flow: Flow, modes: Iterable[str]) -> list[tuple[str | None, PortType]]:
    """What a wire carries: once for all modes where that is the same, else for each of these modes."""
    if isinstance(flow, PortType):
        return [(None, flow)]
    return [(mode, flow.types[mode]) for mode in modes if mode in flow.types]


def combine(flows: Sequence[Flow]) -> Flow:
    """What several wires into one port carry: the nearest type that all of them are."""
    types = [flow for flow in flows if isinstance(flow, PortType)]
    if len(types) == len(flows):
        return _common(types)
    return ByMode({mode: _common([in_mode(flow, mode) for flow in flows]) for mode in MODES})


def produced(signature: Signature, carried: Mapping[str, Flow]) -> dict[str | None, Flow]:
    """What a node's outputs carry, by port, and under None its only output.

    Args:
        signature: What it calls.
        carried: What its inputs carry.
    """
    flows: dict[str | None, Flow] = {port: flow for port, flow in signature.outputs.items()}  # noqa: C416
    for port in () if signature.component is None else signature.component.outputs:
        if port.like is not None and port.like in carried:
            flows[port.name] = carried[port.like]
    if len(flows) == 1:
        flows[None] = next(iter(flows.values()))
    return flows


def _common(types: Sequence[PortType]) -> PortType:
    if not types or UNKNOWN in types:
        return UNKNOWN
    if all(one is other for one, other in pairwise(types)):
        return types[0]
    for candidate in types[0].ancestors():
        if all(any(mine.name == candidate.name for mine in other.ancestors()) for other in types):
            return candidate
    return port_type(AnyTensor) if not any(kind.is_sequence or kind.opaque for kind in types) else UNKNOWN


Outputs = Mapping[str | None, Flow]

NOTHING_KNOWN: Outputs = {}
"""The outputs of a node of which nothing is known, because something is wrong with it that is reported already."""


_NO_REF = Ref("")
_LONG = 100


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the document that holds a reference.

    Args:
        path: Where it is: an input port of a node, or an output.
        target: The same as people read it: ``neck.feature``.
        ref: The reference.
        node: The node that the place belongs to; None for an output of the graph.
        port: The input port, if it is one.
        several: All references, where the place holds a list.
        position: Which of them this is.
        mode: The mode, where the place is for one mode.
        modes: The modes in which the reference is followed.
    """

    path: Path
    target: str
    ref: Ref = _NO_REF
    node: str | None = None
    port: Port | None = None
    several: tuple[Ref, ...] | None = None
    position: int = 0
    mode: str | None = None
    modes: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The wire as people read it."""
        return f"{self.ref} -> {self.target}"

    @property
    def place(self) -> Path:
        """Where the reference itself is."""
        return self.path if self.several is None else (*self.path, self.position)

    def to(self, ref: Ref, changes: str = "") -> Fix | None:
        """A fix that puts another reference there; none in a very long list, each fix of which repeats it.

        Args:
            ref: The reference.
            changes: What that changes of what is written.
        """
        if self.several is None:
            return put(self.path, str(ref), f"wire {ref} to {self.target}", changes)
        if len(self.several) > _LONG:
            return None
        texts = [str(ref if index == self.position else other) for index, other in enumerate(self.several)]
        return put(self.path, texts, f"wire {ref} to {self.target} in place of {self.ref}", changes)


@dataclass(eq=False)
class Wires:
    """Follows the references in one scope.

    Args:
        scope: The scope.
        report: Takes the problems.
        table: What the outputs of the inputs and of the nodes looked at so far carry.
        lost: Whether a reference leads nowhere; it may have been meant for any node.
    """

    scope: Scope
    report: Report
    table: dict[str, Outputs]
    lost: bool = False

    def follow(self, slot: Slot, wire: Wire) -> Flow:
        """What a wire carries, over all modes; its problems are reported.

        Args:
            slot: Where it goes; the reference in it is not looked at.
            wire: The wire.
        """
        if not wire.differs:
            return self._all(slot, wire.parts[0][1], None)
        return ByMode({str(mode): in_mode(self._all(slot, part, mode), mode) for mode, part in wire.parts})

    def _all(self, slot: Slot, part: Refs, mode: str | None) -> Flow:
        path = slot.path if mode is None else (*slot.path, mode)
        several = part.refs if part.many else None
        slots = [
            Slot(path, slot.target, ref, slot.node, slot.port, several, position, mode, slot.modes)
            for position, ref in enumerate(part.refs)
        ]
        takes_several = slot.node is not None if slot.port is None else slot.port.variadic
        if several is not None and not takes_several:
            self._too_many(slots, slot, path)
        flows = [self._one(one) for one in slots]
        return flows[0] if several is None else combine(flows)

    def _too_many(self, slots: list[Slot], slot: Slot, path: Path) -> None:
        refs = ", ".join(str(part.ref) for part in slots)
        self.report.add(
            "too-many-wires",
            path,
            f"[{refs}] -> {slot.target}",
            f"got a list of {len(slots)} wires, {slot.target} takes one",
            put(path, str(slots[0].ref), f"wire {slots[0].ref} to {slot.target}", "the others are lost")
            if slots
            else None,
            port=None if slot.port is None else slot.port.name,
        )

    def _one(self, slot: Slot) -> Flow:
        outputs = self.table.get(slot.ref.source)
        if outputs is None:
            if slot.ref.source not in self.scope.nodes:
                self._unknown_node(slot)
            return UNKNOWN
        if outputs is NOTHING_KNOWN:
            return UNKNOWN
        if slot.ref.port not in outputs:
            self._no_output(slot, outputs)
            return UNKNOWN
        flow = self._level(slot, outputs[slot.ref.port])
        for mode, given in in_modes(flow, slot.modes if slot.mode is None else (slot.mode,)):
            if slot.port is not None and not fits(given, slot.port.type):
                self._wrong_type(slot, given, slot.port.type, mode, outputs)
        return flow

    def _level(self, slot: Slot, flow: Flow) -> Flow:
        """What one level of a sequence carries."""
        if slot.ref.index is None:
            return flow
        if isinstance(flow, ByMode):
            return ByMode({mode: self._entry(slot, kind) for mode, kind in flow.types.items()})
        return self._entry(slot, flow)

    def _entry(self, slot: Slot, kind: PortType) -> PortType:
        if kind is UNKNOWN:
            return UNKNOWN
        if kind.element is not None and kind.entries == "level":
            return port_type(kind.element)
        whole = Ref(slot.ref.source, slot.ref.port)
        holds = "one entry an image, not levels" if kind.is_sequence else "no sequence of levels"
        changes = "what is written is the entry of one image" if kind.is_sequence else ""
        message = f"{whole} is {_a(kind)}: {holds}, so [{slot.ref.index}] picks nothing"
        self._add("bad-index", slot, message, slot.to(whole, changes))
        return UNKNOWN

    def _unknown_node(self, slot: Slot) -> None:
        self.lost = True
        near, hint = self.report.lookup(slot.ref.source, self.scope.names, "nodes and inputs")
        near = [name for name in near if name != slot.node]
        fix = None
        if near:
            keeps = slot.ref.port in self.table.get(near[0], {slot.ref.port: None})
            fix = slot.to(Ref(near[0], slot.ref.port if keeps else None, slot.ref.index))
        self._add("unknown-node", slot, f"there is no node or input '{slot.ref.source}'; {hint}", fix)

    def _no_output(self, slot: Slot, outputs: Outputs) -> None:
        """A reference to a port that its source lacks, or without a port where the source has several."""
        ref = slot.ref
        if ref.source in self.scope.inputs:
            message = f"'{ref.source}' is an input of the graph and has no ports; expected '{ref.source}' alone"
            self._add("unknown-port", slot, message, slot.to(Ref(ref.source, None, ref.index)))
            return
        names = [port for port in outputs if port is not None]
        called = self._called(ref.source)
        if ref.port is None and names:
            matching = [port for port in names if self._goes(slot, outputs[port])]
            fix = slot.to(Ref(ref.source, matching[0], ref.index)) if len(matching) == 1 else None
            listed = ", ".join(f"{ref.source}.{port}" for port in names)
            self._add("ambiguous-output", slot, f"{called} has several outputs; expected one of {listed}", fix)
            return
        near, hint = self.report.lookup(ref.port or "", names, "outputs")
        best = near or names[: len(names) == 1]
        fix = slot.to(Ref(ref.source, best[0], ref.index)) if best else None
        self._add("unknown-port", slot, f"{called} has no output '{ref.port}'; {hint}", fix)

    def _called(self, name: str) -> str:
        component = self.scope.component(name)
        return f"'{component.name}'" if component else f"subgraph '{self.scope.subgraph(name)}'"

    def _goes(self, slot: Slot, flow: Flow) -> bool:
        if slot.port is None or not isinstance(flow, PortType):
            return False
        if slot.ref.index is None:
            return fits(flow, slot.port.type)
        return flow.entries == "level" and flow.is_sequence and fits(port_type(flow.element), slot.port.type)

    def _wrong_type(self, slot: Slot, given: PortType, wanted: PortType, mode: str | None, outputs: Outputs) -> None:
        message = f"got {given.name} from {slot.ref}, {slot.target} takes {wanted.name}"
        fix = None
        if given.is_sequence and given.entries == "level" and fits(port_type(given.element), wanted):
            fix = slot.to(Ref(slot.ref.source, slot.ref.port, -1), "of its levels only the last goes on")
        else:
            others = [port for port, flow in outputs.items() if port is not None and self._goes(slot, flow)]
            if len(others) == 1:
                fix = slot.to(Ref(slot.ref.source, others[0], slot.ref.index), f"in place of {slot.ref}")
        self._add("wrong-type", slot, message, fix, mode)

    def _add(self, code: str, slot: Slot, message: str, fix: Fix | None, mode: str | None = None) -> None:
        port = None if slot.port is None else slot.port.name
        self.report.add(
            code, slot.place, slot.subject, message, fix, port=port, mode=mode or slot.mode, source=str(slot.ref)
        )


def _a(kind: PortType) -> str:
    return f"{'an' if kind.name[:1] in 'AEIOU' else 'a'} {kind.name}"
