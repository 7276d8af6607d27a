"""What each mode runs in the open scope."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from composer.graph import MODES, Ref, refs_of, wire_in_mode
from composer.rules.expansion import check_definitions
from composer.rules.reach import Needs, reach_of
from composer.rules.report import Report
from composer.rules.scopes import scopes_of
from composer.web.views.insight import Insight, Opened

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


def runs_of(opened: Opened) -> list[dict[str, Run]]:
    """What each mode runs: in the top, in the call that is entered there, and so on to the open scope."""
    levels = [opened]
    while levels[-1].outer is not None:
        levels.append(levels[-1].outer)
    needs = _needs(opened.insight)
    found: list[dict[str, Run]] = []
    for level in reversed(levels):
        outer = found[-1] if found else None
        found.append({mode: _run(level, mode, needs, list(_starts(level, mode, outer))) for mode in MODES})
    return found


def _needs(insight: Insight) -> Mapping[str, Needs]:
    if not insight.graph.graphs:
        return {}
    scopes = scopes_of(insight.graph, insight.catalog)
    return reach_of(scopes, check_definitions(Report(insight.graph), scopes))[0]


def _starts(level: Opened, mode: str, outer: Mapping[str, Run] | None) -> Iterator[Ref]:
    """The references that are asked of a scope in a mode."""
    if outer is None:
        yield from level.graph.outputs.get(mode, {}).values()
        return
    asked = outer[mode].asked.get(level.path[-1], set())
    for name, wire in level.graph.graphs[level.scope].outputs.items():
        here = wire_in_mode(wire, mode)
        if here is not None and (None in asked or name in asked):
            yield from refs_of(here)


def _run(level: Opened, mode: str, needs: Mapping[str, Needs], stack: list[Ref]) -> Run:
    run = Run()
    while stack:
        ref = stack.pop()
        if ref.source not in level.nodes:
            run.inputs.add(ref.source)
            continue
        asked = run.asked.setdefault(ref.source, set())
        if ref.port in asked:
            continue
        asked.add(ref.port)
        wires = level.nodes[ref.source].inputs
        for port in _ports(level, ref, mode, needs, wires):
            here = wire_in_mode(wires[port], mode)
            if here is not None and (ref.source, port) not in run.read:
                run.read.add((ref.source, port))
                stack.extend(refs_of(here))
    return run


def _ports(
    level: Opened, ref: Ref, mode: str, needs: Mapping[str, Needs], wires: Mapping[str, object]
) -> Iterable[str]:
    """The input ports of a node on which one of its outputs hangs."""
    called = level.known[ref.source]
    if called.body is None or called.name not in needs:
        return wires
    inner = needs[called.name]
    return [name for name in inner.names(inner.of(mode, ref.port)[0]) if name in wires]
