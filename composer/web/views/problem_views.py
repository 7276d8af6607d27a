"""Problems as the browser has them: with the calls to enter, the box and the port."""

from collections.abc import Iterable, Sequence

from composer.editing.called import called_graph, scope_of
from composer.editing.operations import EditStep
from composer.graph import MODES, Graph
from composer.problems import Fix, Problem
from composer.web.payloads import FixView, ProblemView
from composer.web.views.values import shown

__all__ = ["problem_view", "problem_views", "routes"]


def problem_view(problem: Problem, path: Sequence[str] = ()) -> ProblemView:
    """A problem that is about no graph that is drawn."""
    where = problem.where
    return ProblemView(
        code=problem.code,
        severity=problem.severity,
        subject=where.subject,
        message=problem.message,
        path=list(path),
        node=where.node,
        port=where.port,
        parameter=where.parameter,
        mode=where.mode,
        line=where.line,
        fix=_fix(problem.fix),
    )


def problem_views(problems: Iterable[Problem], graph: Graph, path: Sequence[str]) -> list[ProblemView]:
    """The problems of a graph.

    Args:
        problems: What is wrong with it.
        graph: The graph.
        path: The calls that lead to the open scope.
    """
    ways = routes(graph, path)
    found = []
    begun = _begun(graph)
    for problem in problems:
        view = problem_view(problem)
        if problem.code == "no-output" and not problem.where.scope and not begun:
            view = view.model_copy(update={"severity": "notice"})  # nothing is wired yet that could come out
        scope = problem.where.scope
        way = _call_of(graph, problem) or ways.get(scope)
        if way is None:  # nothing calls the subgraph, so there is no way to see it
            found.append(view.model_copy(update={"node": None, "port": None}))
            continue
        node, port = _place(graph, problem)
        found.append(view.model_copy(update={"path": list(way), "node": node, "port": port}))
    return found


def _begun(graph: Graph) -> bool:
    """Whether there is a wire at the top of a graph."""
    return any(node.inputs for node in graph.nodes.values()) or bool(graph.modes)


def routes(graph: Graph, path: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each subgraph the calls that lead to it: those that are open, else the first ones."""
    found: dict[str, tuple[str, ...]] = {
        scope_of(graph, path[:depth])[0]: tuple(path[:depth]) for depth in range(len(path) + 1)
    }
    found.setdefault("", ())
    pending = list(found)
    for scope in pending:
        nodes = graph.graphs[scope].nodes if scope else graph.nodes
        for name in nodes:
            body = called_graph(nodes, name)
            if body in graph.graphs and body not in found and body is not None:
                found[body] = (*found[scope], name)
                pending.append(body)
    return found


def _call_of(graph: Graph, problem: Problem) -> tuple[str, ...] | None:
    """The calls that a problem with sizes names: ``encoder_2.neck`` is about one call of the encoder."""
    scope = problem.where.scope
    if not scope or "/" in problem.where.subject:
        return None
    parts = problem.where.subject.rsplit(" -> ", 1)[-1].split(".")
    for depth in range(len(parts), 0, -1):
        found, followed = scope_of(graph, parts[:depth])
        if found == scope and len(followed) == depth:
            return tuple(followed)
    return None


def _place(graph: Graph, problem: Problem) -> tuple[str | None, str | None]:
    """The box that a problem is about, and its port: a node, an input, or the outputs of a mode."""
    where = problem.where
    if where.node is not None and where.port is not None:
        return where.node, where.port
    subject = where.subject.removeprefix(f"{where.scope}/") if where.scope else where.subject
    target = subject.rsplit(" -> ", 1)[-1]
    first, _, rest = target.partition(".")
    if first == "outputs" and (rest or not where.scope):
        mode, _, name = rest.partition(".")
        if where.scope:
            return "outputs", rest
        return (f"outputs.{mode}", name or None) if mode in MODES else (None, None)
    if where.node is not None:
        return where.node, where.port
    body = graph.graphs.get(where.scope, graph)
    names = {*body.inputs, *(graph.data_samples if not where.scope else ()), *body.nodes}
    return (first, where.port) if first in names else (None, where.port)


def _fix(fix: Fix | None) -> FixView | None:
    if fix is None or not fix.edits:
        return None
    edits = [EditStep(path=list(edit.path), set=shown(edit.value), remove=edit.remove) for edit in fix.edits]
    return FixView(message=fix.message, edits=edits, changes=fix.changes)
