"""The wires of a scope."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from composer.edits.draft import outputs_name
from composer.graph import MODES, Edge, Wire
from composer.web.payloads import ProblemView, WireView
from composer.web.views.insight import OpenScope
from composer.web.views.modes import Run
from composer.web.views.sizes import size_text

__all__ = ["wire_views"]


def wire_views(opened: OpenScope, runs: Mapping[str, Run], problems: Sequence[ProblemView]) -> list[WireView]:
    """The wires of the open scope whose source is there.

    Args:
        opened: The scope.
        runs: What each mode runs in it.
        problems: What is wrong with the graph.
    """
    wrong: dict[tuple[str, str], list[ProblemView]] = {}
    for problem in problems:
        if problem.node is not None and problem.port is not None and tuple(problem.path) == opened.path:
            wrong.setdefault((problem.node, problem.port), []).append(problem)
    found: list[WireView] = []
    ids: set[str] = set()
    for node, port, wire, mode in _wires(opened):
        for at, edge in enumerate(wire.edges()):
            if edge.ref.source not in opened.nodes and edge.ref.source not in opened.fields:
                continue
            view = _view(
                opened, edge, (node, port), at if wire.many else None, mode, _runs(edge, node, port, mode, runs)
            )
            if (node, port) in wrong:
                view.problem = _severity(wrong[node, port], view.source)
            while view.id in ids:
                view.id += "'"
            ids.add(view.id)
            found.append(view)
    return found


def _wires(opened: OpenScope) -> Iterator[tuple[str, str, Wire, str | None]]:
    """Every wire with the box and the port it goes to, and the mode for an output of one."""
    for name, node in opened.nodes.items():
        yield from ((name, port, wire, None) for port, wire in node.inputs.items())
    if opened.scope:
        outputs = opened.graph.graphs[opened.scope].outputs
        yield from ((outputs_name(None), port, wire, None) for port, wire in outputs.items())
        return
    for mode in MODES:
        refs = opened.graph.outputs.get(mode, {})
        yield from ((outputs_name(mode), port, Wire.of(ref), mode) for port, ref in refs.items())


def _view(
    opened: OpenScope, edge: Edge, end: tuple[str, str], at: int | None, mode: str | None, runs: list[Any]
) -> WireView:
    ref, (node, port) = edge.ref, end
    kind = opened.flows.of(ref)
    return WireView(
        id=f"{ref}->{node}.{port}",
        source=str(ref),
        from_node=ref.source,
        from_port=opened.port(ref) or ("out" if ref.source in opened.nodes else None),
        index=ref.index,
        node=node,
        port=port,
        at=at,
        modes=None if edge.modes == MODES else list(edge.modes),  # type: ignore[arg-type]
        runs=runs,
        size=size_text(opened.size(ref, edge.modes if mode is None else (mode,))),
        colour="any" if kind is None else kind.family,
    )


def _runs(edge: Edge, node: str, port: str, mode: str | None, runs: Mapping[str, Run]) -> list[str]:
    if mode is not None:
        return [mode]
    if node == outputs_name(None):
        return [m for m in edge.modes if edge.ref.source in runs[m].nodes or edge.ref.source in runs[m].inputs]
    return [m for m in edge.modes if (node, port) in runs[m].read]


def _severity(problems: Sequence[ProblemView], source: str) -> Literal["error", "warning"] | None:
    """The gravest problem of a wire; one that names another source is about that one."""
    found = [item.severity for item in problems if item.source in (None, source)]
    return "error" if "error" in found else "warning" if "warning" in found else None
