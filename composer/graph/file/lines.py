"""Where each key of a document stands in its file."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Lines", "line_of", "position"]

_SHIFT = 22
_COLUMN = (1 << _SHIFT) - 1


def position(event: Any) -> int:
    """Line and column of an event in one number: there are many, and numbers are small."""
    mark = event.start_mark
    return int(mark.line << _SHIFT | mark.column)


def line_of(mark: int) -> int:
    """The line, from 1, in what ``position`` gave."""
    return (mark >> _SHIFT) + 1


class Lines(Mapping[tuple[str | int, ...], tuple[int, int]]):
    """Line and column (from 1) of every key and every entry of a list, by its path from the top.

    Args:
        marks: Of a mapping its keys, of a list its entries: each a position, or a pair of it and the marks inside.
    """

    __slots__ = ("_marks",)

    def __init__(self, marks: Any) -> None:
        self._marks = marks

    def __getitem__(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        mark, inner = None, self._marks
        for key in path:
            try:
                found = inner[key]
            except (TypeError, IndexError):
                raise KeyError(path) from None
            mark, inner = found if isinstance(found, tuple) else (found, None)
        if mark is None:
            raise KeyError(path)
        return (line_of(mark), (mark & _COLUMN) + 1)

    def __iter__(self) -> Iterator[tuple[str | int, ...]]:
        waiting: list[tuple[tuple[str | int, ...], Any]] = [((), self._marks)]
        while waiting:
            path, marks = waiting.pop()
            for key, found in marks.items() if isinstance(marks, dict) else enumerate(marks):
                yield (*path, key)
                if isinstance(found, tuple):
                    waiting.append(((*path, key), found[1]))

    def __len__(self) -> int:
        return sum(1 for _ in self)
