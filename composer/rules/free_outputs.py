"""Outputs and inputs of a scope that nothing reads yet, to suggest one where a wire is missing."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from composer.link import Scope
from composer.ports import AnyTensor, PortType, port_type
from composer.rules.flows import UNKNOWN, fits
from composer.rules.wiring import Outputs

__all__ = ["FreeOutputs"]


class FreeOutputs:
    """What is free in a scope, by type.

    Args:
        scope: The scope.
        table: What the outputs of the inputs and of the nodes carry.
    """

    def __init__(self, scope: Scope, table: Mapping[str, Outputs]) -> None:
        self._positions = {name: position for position, name in enumerate([*scope.inputs, *scope.wiring.order])}
        self._by_type: dict[PortType, tuple[list[int], list[str]]] = {}
        used = set(_used(scope))
        for name, position in self._positions.items():
            for port, flow in table[name].items():
                sole = port is None or None in table[name]
                twice = port is None and name in scope.nodes
                taken = (name, port) in used or ((name, None) in used and sole) or twice
                if isinstance(flow, PortType) and flow is not UNKNOWN and not taken:
                    positions, texts = self._by_type.setdefault(flow, ([], []))
                    positions.append(position)
                    texts.append(name if port is None else f"{name}.{port}")

    def only(self, node: str, wanted: PortType) -> str | None:
        """The one free output or input that fits a port of a node and does not hang on it; None if there are others.

        Nor is there one for a port that takes any tensor: that it fits would mean nothing.
        """
        if wanted.name == port_type(AnyTensor).name:
            return None
        found: list[str] = []
        for given, (positions, texts) in self._by_type.items():
            if fits(given, wanted):
                found += texts[: min(bisect_left(positions, self._positions[node]), 2)]
            if len(found) > 1:
                return None
        return found[0] if found else None


def _used(scope: Scope) -> Iterator[tuple[str, str | None]]:
    for node in scope.nodes.values():
        for wire in node.inputs.values():
            yield from ((ref.source, ref.port) for ref in wire.refs)
    for outputs in scope.outputs.values():
        for wire in outputs.values():
            yield from ((ref.source, ref.port) for ref in wire.refs)
