"""Collects the problems of one graph: where each is in the file, and the nearest names to those that are unknown."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.graph import Graph, thaw
from composer.problems import Edit, Fix, Problem, Severity, Where, is_typo, nearest, suggestion

__all__ = ["Path", "Report", "lost", "put", "take", "where_of"]

Path = tuple[str | int, ...]
"""Keys of a graph's document from the top, such as ``("nodes", "neck", "inputs", "feature")``."""

_SHOWN = 60
_SECTIONS = ("inputs", "data_samples", "graphs", "nodes", "outputs")


@dataclass
class Report:
    """The problems found so far.

    Args:
        graph: The graph that is looked at.
        comparisons: How many names may be compared in all to find near ones, so that a file full of unknown names is
            refused as fast as any other; when it is used up, problems come without a near name.
    """

    graph: Graph
    comparisons: int = 40_000
    _found: list[tuple[Path, Problem]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._found)

    def add(
        self,
        code: str,
        path: Path,
        subject: str,
        message: str,
        fix: Fix | None = None,
        *,
        severity: Severity = "error",
        **where: Any,
    ) -> None:
        """Note a problem.

        Args:
            code: Its rule.
            path: The document path that it is about; the subgraph and the node are read from it.
            subject: What it is about, as people read it.
            message: What was found, what was expected.
            fix: An edit that mends it.
            severity: A ``warning`` and a ``notice`` do not stop the graph from running.
            where: Further fields of ``Where``.
        """
        inside = bool(path[:1] == ("graphs",) and len(path) > 3)
        place = where_of(self.graph, path, f"{path[1]}/{subject}" if inside else subject, **where)
        self._found.append((path, Problem(code, place, message, fix, severity)))

    @property
    def errors(self) -> bool:
        """Whether something wrong stops the graph from running."""
        return any(problem.severity == "error" for _, problem in self._found)

    def lookup(self, name: str, known: Collection[str], what: str) -> tuple[list[str], str]:
        """The known names of which an unknown one is plainly a typo, best first, and the end of a message.

        Args:
            name: The unknown name.
            known: The known names.
            what: What they name, in the plural.
        """
        if len(known) > self.comparisons:
            return [], f"there are {len(known):,} {what}"
        self.comparisons -= len(known) + 1
        near = [other for other in nearest(name, known) if is_typo(str(name), other)]
        return near, suggestion(name, known, what)

    def problems(self) -> list[Problem]:
        """All problems in the order of the file."""
        if self.graph.source is not None:
            return [problem for _, problem in sorted(self._found, key=lambda item: _line(item[1]))]
        order = _order(self.graph) if self._found else {}
        return [problem for _, problem in sorted(self._found, key=lambda item: _rank(item[0], order))]


def where_of(graph: Graph, path: Path, subject: str, **where: Any) -> Where:
    """The place of a problem.

    Args:
        graph: The graph.
        path: The document path that it is about; the subgraph, the node and the line are read from it.
        subject: What it is about, as people read it.
        where: Further fields of ``Where``.
    """
    line, column = graph.source.position(path) if graph.source else (None, None)
    scope = str(path[1]) if path[0] == "graphs" and len(path) > 1 else ""
    inside = path[2:] if scope else path
    if inside[:1] == ("nodes",) and len(inside) > 1:
        where.setdefault("node", inside[1])
    return Where(subject, graph.source.file if graph.source else None, line, column, scope, path=path, **where)


def _line(problem: Problem) -> tuple[int, int]:
    return (problem.where.line or 0, problem.where.column or 0)


def _rank(path: Path, order: Mapping[Path, int]) -> int:
    while path and path not in order:
        path = path[:-1]
    return order.get(path, -1)


def _order(graph: Graph) -> dict[Path, int]:
    """A number for each input, node and output, as a file in canonical form has them."""
    paths: list[Path] = []
    for section in _SECTIONS:
        paths.append((section,))
        paths.extend((section, name) for name in getattr(graph, section) if section != "graphs")
        for name, body in graph.graphs.items() if section == "graphs" else ():
            inner = [(part, key) for part in _SECTIONS for key in getattr(body, part, ())]
            paths.extend([("graphs", name), *(("graphs", name, *keys) for keys in inner)])
    return {path: number for number, path in enumerate(paths)}


def put(path: Path, value: Any, message: str, changes: str = "") -> Fix:
    """A fix that puts a value into the document; ``changes`` is what it changes of what is written."""
    return Fix(message, (Edit(_keys(path), value),), changes)


def take(path: Path, message: str, changes: str = "") -> Fix:
    """A fix that takes a key out of the document; ``changes`` is what it changes of what is written."""
    return Fix(message, (Edit(_keys(path), remove=True),), changes)


def lost(what: str, value: Any) -> str:
    """What a fix says that takes a value out."""
    text = f"{thaw(value)!r}"
    return f"{what} {text if len(text) <= _SHOWN else text[: _SHOWN - 3] + '...'} is lost"


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(str(key) for key in path)
