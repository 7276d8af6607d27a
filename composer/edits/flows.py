"""What flows where in a graph, by port type, and which ports of a part fit it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from composer.catalog import Catalog
from composer.catalog.component import Port
from composer.graph import MODES, Graph, Ref
from composer.graph.link import Called, link
from composer.ports import AnyTensor, PortType, port_type
from composer.rules import port_types
from composer.rules.wires import UNKNOWN, ByMode, Flow, Signature, combine, fits, produced

__all__ = [
    "Flows",
    "Passage",
    "best_inputs",
    "best_outputs",
    "carried_types",
    "entry_of",
    "farness",
    "fitting",
    "is_near",
    "known_type",
    "passage",
    "signature_of",
]


def entry_of(kind: PortType) -> PortType | None:
    """What one level of a sequence carries; None for what has no levels."""
    return port_type(kind.element) if kind.element is not None and kind.entries == "level" else None


def fitting(ref: Ref, given: PortType | None, wanted: PortType | None) -> Ref | None:
    """The reference that may be wired to a port: itself, or its last level; None where neither fits.

    Args:
        ref: The reference.
        given: What it carries; None where that is not known.
        wanted: What the port takes; None where that is not known.
    """
    if given is None or wanted is None or fits(given, wanted):
        return ref
    entry = entry_of(given) if ref.index is None else None
    return Ref(ref.source, ref.port, -1) if entry is not None and fits(entry, wanted) else None


class Flows:
    """What the inputs and nodes of a scope give.

    Args:
        graph: The graph.
        scope: Name of the subgraph; empty for the top.
        catalog: The components.
    """

    def __init__(self, graph: Graph, scope: str, catalog: Catalog) -> None:
        self.graph = graph
        self.catalog = catalog
        self.scope = link(graph, catalog).written[scope]

    @cached_property
    def table(self) -> Mapping[str, Mapping[str, Flow]]:
        """What each output of each node carries."""
        return port_types(self.graph, self.catalog).get(self.scope.name, {})

    def of(self, ref: Ref) -> PortType | None:
        """What a reference carries; None where that is not known."""
        if ref.source in self.scope.inputs:
            flow: Flow | None = self.catalog.port_types.get(self.scope.inputs[ref.source].type)
        else:
            ports = self.table.get(ref.source, {})
            only = next(iter(ports)) if len(ports) == 1 else None
            flow = ports.get(ref.port or only or "")
        kind = known_type(flow)
        return kind if kind is None or ref.index is None else entry_of(kind)

    def input_port(self, name: str, port: str) -> Port | None:
        """An input port of a node; None where it is not known."""
        called = self.scope.called(name)
        if called.component is not None:
            return called.component.input_by_name.get(port)
        if called.body is None or port not in called.body.inputs:
            return None
        kind = self.catalog.port_types.get(called.body.inputs[port].type)
        return Port(port, kind or UNKNOWN)


def known_type(flow: Flow | None) -> PortType | None:
    """What a wire carries, in the first mode that says so."""
    if isinstance(flow, ByMode):
        flow = next((flow.types[mode] for mode in MODES if mode in flow.types), None)
    return None if flow is UNKNOWN else flow


_ANY = port_type(AnyTensor)
_LEVEL, _VAGUE, _UNKNOWN = 4, 16, 24


@dataclass(frozen=True)
class Passage:
    """How a wire goes through a part.

    Args:
        port: The input port that takes it.
        ref: What the port is wired to: the wire's source, or its last level.
        output: The output port that goes on.
        index: The level that goes on, of a sequence.
    """

    port: str
    ref: Ref
    output: str
    index: int | None = None


def signature_of(graph: Graph, catalog: Catalog, called: Called) -> Signature:
    """The typed ports of what is called; none where it is not known.

    Args:
        graph: The graph whose subgraphs may be called.
        catalog: The components.
        called: What is called.
    """
    if called.component is not None:
        return Signature.of_component(called.component)
    if called.body is None:
        return Signature(called.name, {}, {})
    inputs = {name: catalog.port_types.get(item.type, UNKNOWN) for name, item in called.body.inputs.items()}
    inside = Flows(graph, called.name, catalog)
    refs = {name: next(iter(wire.refs), None) for name, wire in called.body.outputs.items()}
    outputs = {name: (None if ref is None else inside.of(ref)) or UNKNOWN for name, ref in refs.items()}
    return Signature.of_subgraph(called.name, inputs, outputs)


def farness(ref: Ref, given: PortType | None, wanted: PortType | None) -> int | None:
    """How far what a reference carries is from what a port takes; 0 for the same type, None where it does not fit."""
    found = fitting(ref, given, wanted)
    if found is None:
        return None
    if given is None or wanted is None or UNKNOWN in (given, wanted):
        return _UNKNOWN
    kind = given if found.index == ref.index else entry_of(given)
    level = 0 if found.index == ref.index else _LEVEL
    if kind is None or (kind.name == _ANY.name) != (wanted.name == _ANY.name):
        return _VAGUE + level
    names = [item.name for item in kind.ancestors()]
    return level + (names.index(wanted.name) if wanted.name in names else _LEVEL - 1)


def is_near(far: int | None) -> bool:
    """Whether something fits, and by its own type: not as any tensor would."""
    return far is not None and far < _VAGUE


def best_inputs(
    ref: Ref, given: PortType | None, ports: Iterable[Port], taken: Collection[str], partly: Collection[str] = ()
) -> list[str]:
    """The ports that are the best end for a wire: one, several between which a person chooses, or none.

    Free ports come first, then the nearest type, then those that need a wire. Where a port that is taken has a nearer
    type than the best free one, both are given.

    Args:
        ref: What the wire comes from.
        given: What it carries.
        ports: The ports that may be its end.
        taken: Those that have a wire in each mode.
        partly: Those that have one in some modes.
    """
    ranked: dict[str, tuple[int, int, bool]] = {}
    for port in ports:
        far = farness(ref, given, port.type)
        if far is not None:
            busy = 0 if port.variadic else 2 if port.name in taken else 1 if port.name in partly else 0
            ranked[port.name] = (busy, far, port.optional)
    best = _first(ranked)
    nearest = _first({name: rank[1:] for name, rank in ranked.items()})
    return best if not best or ranked[best[0]][1] == ranked[nearest[0]][1] else [*best, *nearest]


def best_outputs(name: str, outputs: Mapping[str, PortType | None], wanted: PortType | None) -> list[str]:
    """The outputs of a node that are the best source of a wire to a port: one, several, or none."""
    found = {port: farness(Ref(name, port), kind, wanted) for port, kind in outputs.items()}
    return _first({port: (far,) for port, far in found.items() if far is not None})


def passage(signature: Signature, ref: Ref, given: PortType | None, wanted: PortType | None) -> Passage | None:
    """The best way of a wire through a part; None where it cannot go through.

    Args:
        signature: The part.
        ref: What the wire comes from.
        given: What it carries.
        wanted: What the port takes to which it goes on; None where anything may.
    """
    best: tuple[tuple[int, bool, int], Passage] | None = None
    for port in signature.inputs.values():
        into, taken = farness(ref, given, port.type), fitting(ref, given, port.type)
        if into is None or taken is None:
            continue
        kind = given if taken.index == ref.index or given is None else entry_of(given)
        for output, carried in carried_types(signature, {port.name: [kind]}).items():
            out = farness(Ref("_", output), carried, wanted)
            left = fitting(Ref("_", output), carried, wanted)
            rank = (into, port.optional, out or 0)
            if out is not None and left is not None and (best is None or rank < best[0]):
                best = rank, Passage(port.name, taken, output, left.index)
    return None if best is None else best[1]


def carried_types(signature: Signature, carried: Mapping[str, Sequence[PortType | None]]) -> dict[str, PortType | None]:
    """What the outputs of a part carry, where its inputs carry this; None where that is not known."""
    flows = {port: combine([kind or UNKNOWN for kind in kinds]) for port, kinds in carried.items() if kinds}
    found = produced(signature, flows)
    return {port: known_type(flow) for port, flow in found.items() if port is not None}


def _first(ranked: Mapping[str, tuple[int, ...]]) -> list[str]:
    least = min(ranked.values(), default=None)
    return [name for name, rank in ranked.items() if rank == least]
