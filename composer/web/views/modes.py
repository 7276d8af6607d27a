"""What each mode runs in the open scope."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from composer.graph import MODES, Ref
from composer.web.views.insight import OpenScope

__all__ = ["Run", "runs_of"]


@dataclass
class Run:
    """What a mode runs in a scope.

    Args:
        asked: The nodes that it runs, and which of their outputs are asked for (None: all).
        read: The ports that it reads, with their nodes.
        inputs: The inputs that it reads.
    """

    asked: dict[str, set[str | None]] = field(default_factory=dict)
    read: set[tuple[str, str]] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)


def runs_of(opened: OpenScope) -> list[dict[str, Run]]:
    """What each mode runs: in the top, in the call that is entered there, and so on to the open scope."""
    levels = [opened]
    while levels[-1].outer is not None:
        levels.append(levels[-1].outer)
    found: list[dict[str, Run]] = []
    for level in reversed(levels):
        outer = found[-1] if found else None
        found.append({mode: _run(level, mode, list(_starts(level, mode, outer))) for mode in MODES})
    return found


def _starts(level: OpenScope, mode: str, outer: Mapping[str, Run] | None) -> Iterator[Ref]:
    """The references that are asked of a scope in a mode."""
    if outer is None:
        yield from level.graph.outputs.get(mode, {}).values()
        return
    asked = outer[mode].asked.get(level.path[-1], set())
    for name, wire in level.graph.graphs[level.scope].outputs.items():
        here = wire.in_mode(mode)
        if here is not None and (None in asked or name in asked):
            yield from here.refs


def _run(level: OpenScope, mode: str, stack: list[Ref]) -> Run:
    run = Run()
    seen: dict[str, set[str | None]] = {}
    while stack:
        ref = stack.pop()
        if ref.source not in level.nodes:
            run.inputs.add(ref.source)
            continue
        node, ports = level.nodes[ref.source], seen.setdefault(ref.source, set())
        if ref.port in ports:
            continue
        ports.add(ref.port)
        if not node.bypassed:
            run.asked[ref.source] = ports
        for port in _ports(level, ref, mode):
            here = node.inputs[port].in_mode(mode)
            if here is not None and (ref.source, port) not in run.read:
                run.read.add((ref.source, port))
                stack.extend(here.refs)
    return run


def _ports(level: OpenScope, ref: Ref, mode: str) -> Iterable[str]:
    """The input ports of a node that one of its outputs reads; of a bypassed node the one that goes on."""
    called, wires = level.known[ref.source], level.nodes[ref.source].inputs
    if level.nodes[ref.source].bypassed:
        return [port for port in called.carrying(wires) if wires[port].in_mode(mode) is not None][:1]
    needs = level.insight.linked.needs
    if called.body is None or called.name not in needs:
        return wires
    inner = needs[called.name]
    return [name for name in inner.names(inner.of(mode, ref.port)[0]) if name in wires]
