"""Ways of wires around boxes, for drawings that stand still; the canvas finds its own while boxes are dragged."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from composer.export.layout.ground import Ground, Rect

__all__ = ["Corner", "Ways"]

Corner = tuple[float, float]

_STUB = 16.0
_CURVE = 8.0
_CLEAR = 6.0
_EDGE = 18.0
_LANE = 8.0
_LANES = 4
_FAR = 800.0
_TRIES = 48


class Ways:
    """The ways of wires between boxes that stand.

    Args:
        boxes: The boxes.
    """

    def __init__(self, boxes: Iterable[Rect]) -> None:
        self._ground = Ground(boxes)
        self._taken: dict[float, list[tuple[str, float, float]]] = {}

    def of(self, source: str, start: Corner, end: Corner) -> list[Corner]:
        """The corners of a wire, its ends among them; none where a plain curve meets no box.

        Args:
            source: The output that it comes from; wires of one output may lie on each other.
            start: Where it leaves a box on the right.
            end: Where it enters a box on the left.
        """
        (x, y), (to_x, to_y) = start, end
        low, high = min(y, to_y), max(y, to_y)
        if to_x - x >= _CURVE and not self._ground.hits((x + 1, low - 1, to_x - x - 2, high - low + 2)):
            return []
        near = self._ground.hits((min(x, to_x) - 64, low - _FAR, abs(x - to_x) + 128, high - low + 2 * _FAR))
        edges = [box[1] - _EDGE - at * _LANE for box in near for at in range(_LANES)]
        edges += [box[1] + box[3] + _EDGE + at * _LANE for box in near for at in range(_LANES)]
        ways = list(self._ways(start, end, edges))
        found = next((way for way in ways if not self._barred(way, source)), None)
        found = found or min(ways, key=lambda way: sum(len(self._ground.hits(piece)) for piece in _pieces(way)))
        for (ax, ay), (bx, by) in pairwise(found):
            if ay == by:
                self._taken.setdefault(ay, []).append((source, min(ax, bx), max(ax, bx)))
        return found

    def _ways(self, start: Corner, end: Corner, edges: list[float]) -> Iterator[list[Corner]]:
        """Ways to try, the shortest first: along one level, then along two with the left side between."""
        (x, y), (to_x, to_y) = start, end
        out, into, side = x + _STUB, to_x - _STUB, self._ground.left - 2 * _STUB
        levels = sorted({y, to_y, *edges}, key=lambda level: abs(level - y) + abs(level - to_y))[:_TRIES]
        for level in levels:
            yield [start, (out, y), (out, level), (into, level), (into, to_y), end]
        first = sorted(edges, key=lambda level: abs(level - y))[:8]
        last = sorted(edges, key=lambda level: abs(level - to_y))[:8]
        for one in first:
            for two in last:
                yield [start, (out, y), (out, one), (side, one), (side, two), (into, two), (into, to_y), end]

    def _barred(self, way: list[Corner], source: str) -> bool:
        if any(self._ground.hits(piece) for piece in _pieces(way)):
            return True
        return any(
            other != source and low < max(ax, bx) and min(ax, bx) < high
            for (ax, ay), (bx, by) in pairwise(way[1:-1])
            if ay == by
            for other, low, high in self._taken.get(ay, ())
        )


def _pieces(way: list[Corner]) -> Iterator[Rect]:
    """The pieces of a way with what stays clear around them; those at the ends touch their boxes."""
    for (ax, ay), (bx, by) in pairwise(way[1:-1]):
        yield min(ax, bx) - _CLEAR, min(ay, by) - _CLEAR, abs(ax - bx) + 2 * _CLEAR, abs(ay - by) + 2 * _CLEAR
