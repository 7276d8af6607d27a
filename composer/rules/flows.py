"""What wires carry: port types, which may differ by mode, and the typed ports of what a node calls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from composer.component import Component, Port
from composer.graph import MODES
from composer.ports import AnyTensor, PortType, port_type

__all__ = ["UNKNOWN", "ByMode", "Flow", "Signature", "combine", "fits", "in_mode", "in_modes", "produced"]

UNKNOWN = PortType("unknown")
"""Stands for what something wrong gives, so that one mistake is told once."""


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
