"""Where each key of a document stands in its file."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["Lines", "WrittenLines", "line_of", "position"]

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


class WrittenLines(Mapping[tuple[str | int, ...], tuple[int, int]]):
    """Line and column (from 1) of each key of a file that would be written; only as many lines as needed are written.

    Args:
        write: Gives the keys in the order of the file, each with its position.
    """

    def __init__(self, write: Callable[[], Iterator[tuple[tuple[str | int, ...], tuple[int, int]]]]) -> None:
        self._write = write
        self._keys: Iterator[tuple[tuple[str | int, ...], tuple[int, int]]] | None = None
        self._found: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self._last: tuple[str | int, ...] = ()

    def __getitem__(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        while path not in self._found and not self._is_behind(path) and self._next():
            pass
        return self._found[path]

    def __iter__(self) -> Iterator[tuple[str | int, ...]]:
        while self._next():
            pass
        return iter(self._found)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _is_behind(self, path: tuple[str | int, ...]) -> bool:
        """Whether what is around a path was written, and something after it."""
        return any(path[:end] in self._found and self._last[:end] != path[:end] for end in range(1, len(path)))

    def _next(self) -> bool:
        self._keys = self._write() if self._keys is None else self._keys
        found = next(self._keys, None)
        if found is not None:
            self._last, place = found
            self._found.setdefault(self._last, place)
        return found is not None
