"""Problems as the browser has them: with the calls to enter, the box and the port."""

from collections.abc import Iterable, Sequence

from composer.edits.operations import EditStep
from composer.graph import Graph
from composer.graph.link import LinkedGraph
from composer.problems import Fix, Problem
from composer.web.payloads import FixView, ProblemView
from composer.web.views.values import shown

__all__ = ["problem_view", "problem_views", "routes"]


def problem_view(problem: Problem) -> ProblemView:
    """A problem that is about no graph that is drawn."""
    where = problem.where
    return ProblemView(
        code=problem.code,
        severity=problem.severity,
        subject=where.subject,
        message=problem.message,
        keys=list(where.path),
        node=where.node,
        port=where.port,
        parameter=where.parameter,
        mode=where.mode,
        line=where.line,
        source=where.source,
        fix=None if problem.fix is None else _fix(problem.fix),
    )


def problem_views(problems: Iterable[Problem], linked: LinkedGraph, path: Sequence[str]) -> list[ProblemView]:
    """The problems of a graph.

    Args:
        problems: What is wrong with it.
        linked: The graph.
        path: The calls that lead to the open scope.
    """
    ways = routes(linked, path)
    found = []
    begun = _begun(linked.graph)
    for problem in problems:
        view = problem_view(problem)
        where = problem.where
        if problem.code == "no-output" and not where.scope and not begun:
            view = view.model_copy(update={"severity": "notice"})  # nothing is wired yet that could come out
        way = where.calls if where.calls is not None else ways.get(where.scope)
        if way is None:  # nothing calls the subgraph, so there is no way to see it
            found.append(view.model_copy(update={"node": None, "port": None}))
            continue
        node, port = where.box
        found.append(view.model_copy(update={"path": list(way), "node": node, "port": port}))
    return found


def _begun(graph: Graph) -> bool:
    """Whether there is a wire at the top of a graph."""
    return any(node.inputs for node in graph.nodes.values()) or bool(graph.modes)


def routes(linked: LinkedGraph, path: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each subgraph the calls that lead to it: those that are open, else the first ones."""
    found: dict[str, tuple[str, ...]] = {
        linked.entered(path[:depth])[0]: tuple(path[:depth]) for depth in range(len(path) + 1)
    }
    found.setdefault("", ())
    pending = list(found)
    for scope in pending:
        for name, body in linked.written[scope].entries.items():
            if body not in found:
                found[body] = (*found[scope], name)
                pending.append(body)
    return found


def _fix(fix: Fix) -> FixView:
    edits = [EditStep(path=list(edit.path), set=shown(edit.value), remove=edit.remove) for edit in fix.edits]
    return FixView(message=fix.message, edits=edits, changes=fix.changes)
