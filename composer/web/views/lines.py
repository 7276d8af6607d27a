"""On which line of the canonical file each part of a graph stands; found out when something is asked for."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graphfile import dumps

__all__ = ["CanonicalLines"]

_KEY = re.compile(r'( *)("(?:[^"\\]|\\.)*"|[^\s"#:{\[][^:]*):(?: |$)')


class CanonicalLines(Mapping[tuple[str | int, ...], tuple[int, int]]):
    """Line and column of each key that starts a line, by its path.

    Args:
        graph: The graph.
        catalog: The components.
    """

    def __init__(self, graph: Graph, catalog: Catalog) -> None:
        self._graph = graph
        self._catalog = catalog

    @cached_property
    def _lines(self) -> dict[tuple[str | int, ...], tuple[int, int]]:
        found: dict[tuple[str | int, ...], tuple[int, int]] = {}
        around: list[tuple[int, str]] = []
        for number, line in enumerate(dumps(self._graph, self._catalog).split("\n"), 1):
            match = _KEY.match(line)
            if match is None:
                continue
            indent = len(match[1])
            while around and around[-1][0] >= indent:
                around.pop()
            around.append((indent, json.loads(match[2]) if match[2].startswith('"') else match[2]))
            found.setdefault(tuple(key for _, key in around), (number, indent + 1))
        return found

    def __getitem__(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        return self._lines[path]

    def __iter__(self) -> Iterator[tuple[str | int, ...]]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)
