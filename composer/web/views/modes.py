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
        nodes: The nodes that it runs, and which of their outputs are read (None: all).
        read: The ports that it reads, with their nodes.
        inputs: The inputs that it reads.
    """

    nodes: dict[str, set[str | None]] = field(default_factory=dict)
    read: set[tuple[str, str]] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)


def runs_of(opened: OpenScope) -> list[dict[str, Run]]:
    """What each mode runs: in the top, in the call that is entered there, and so on to the open scope."""
    scopes = [opened]
    while scopes[-1].outer is not None:
        scopes.append(scopes[-1].outer)
    found: list[dict[str, Run]] = []
    for scope in reversed(scopes):
        outer = found[-1] if found else None
        found.append({mode: _run(scope, mode, list(_starts(scope, mode, outer))) for mode in MODES})
    return found


def _starts(opened: OpenScope, mode: str, outer: Mapping[str, Run] | None) -> Iterator[Ref]:
    """The references that a mode reads of a scope."""
    if outer is None:
        yield from opened.graph.outputs.get(mode, {}).values()
        return
    read = outer[mode].nodes.get(opened.path[-1], set())
    for name, wire in opened.graph.graphs[opened.scope].outputs.items():
        here = wire.in_mode(mode)
        if here is not None and (None in read or name in read):
            yield from here.refs


def _run(opened: OpenScope, mode: str, stack: list[Ref]) -> Run:
    run = Run()
    seen: dict[str, set[str | None]] = {}
    while stack:
        ref = stack.pop()
        if ref.source not in opened.nodes:
            run.inputs.add(ref.source)
            continue
        node, ports = opened.nodes[ref.source], seen.setdefault(ref.source, set())
        if ref.port in ports:
            continue
        ports.add(ref.port)
        if not node.bypassed:
            run.nodes[ref.source] = ports
        for port in _ports(opened, ref, mode):
            here = node.inputs[port].in_mode(mode)
            if here is not None and (ref.source, port) not in run.read:
                run.read.add((ref.source, port))
                stack.extend(here.refs)
    return run


def _ports(opened: OpenScope, ref: Ref, mode: str) -> Iterable[str]:
    """The input ports of a node that one of its outputs reads; of a bypassed node the one that goes on."""
    called, wires = opened.known[ref.source], opened.nodes[ref.source].inputs
    if opened.nodes[ref.source].bypassed:
        return [port for port in called.carrying(wires) if wires[port].in_mode(mode) is not None][:1]
    needs = opened.insight.linked.needs
    if called.body is None or called.name not in needs:
        return wires
    inner = needs[called.name]
    return [name for name in inner.names(inner.of(mode, ref.port)[0]) if name in wires]
