"""Where something stands, found by where it is."""

from collections.abc import Iterable

__all__ = ["Ground", "Rect"]

_CELL = 256.0

Rect = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""


class Ground:
    """Rectangles by where they are.

    Args:
        rects: What stands there.
    """

    def __init__(self, rects: Iterable[Rect] = ()) -> None:
        self._cells: dict[tuple[int, int], list[Rect]] = {}
        self.left, self.bottom = float("inf"), 0.0
        for rect in rects:
            self.add(rect)

    def add(self, rect: Rect) -> None:
        """Put a rectangle there."""
        self.left = min(self.left, rect[0])
        self.bottom = max(self.bottom, rect[1] + rect[3])
        for cell in _cells(rect):
            self._cells.setdefault(cell, []).append(rect)

    def hits(self, rect: Rect) -> list[Rect]:
        """What a rectangle lies over, each once; touching is not lying over."""
        x, y, width, height = rect
        found = (
            other
            for cell in _cells(rect)
            for other in self._cells.get(cell, ())
            if x < other[0] + other[2] and other[0] < x + width and y < other[1] + other[3] and other[1] < y + height
        )
        return list(dict.fromkeys(found))


def _cells(rect: Rect) -> list[tuple[int, int]]:
    x, y, width, height = rect
    across = range(int(x // _CELL), int((x + width) // _CELL) + 1)
    down = range(int(y // _CELL), int((y + height) // _CELL) + 1)
    return [(column, row) for column in across for row in down]
