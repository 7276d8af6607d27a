"""Rows: a graph that is too long to be read at once is broken into rows, like a text."""

from collections.abc import Sequence
from dataclasses import dataclass

from composer.export.layout.columns import Columns
from composer.export.layout.pieces import COLUMN_GAP, ROW_GAP

__all__ = ["SIGHT", "broken"]

SIGHT = (660.0, 570.0)
"""Width and height of the canvas in a small window (1280 x 720), in pixels: a graph should be seen whole there."""
READABLE = 0.65
"""The zoom at which it may be seen whole; a graph that then fits stays in one row."""
_GAIN = 1.2
_CROSSING = 1.0
_NEVER = 1_000_000


@dataclass(frozen=True, slots=True)
class _Lengths:
    """What breaking has to know of each column: its width and height, and how many boxes' wires lead into it."""

    widths: Sequence[float]
    heights: Sequence[float]
    crossing: Sequence[int]


def broken(columns: Columns, members: Sequence[int]) -> list[int]:
    """The first column of each row.

    As few rows as let the graph be read when it is seen whole; where none do, those that let it be seen largest.
    Rows begin where few wires cross, so that blocks stay together.

    Args:
        columns: Where the boxes stand.
        members: The boxes of one connected part.
    """
    lengths = _lengths(columns, members)
    best, zoom = [0], _zoom(lengths, [0])
    if zoom >= READABLE:
        return best
    rows, limit = 1, 0.0
    for width in _limits(sum(lengths.widths), max(lengths.widths)):
        starts = _filled(lengths, width)
        found = _zoom(lengths, starts)
        if found > zoom * (_GAIN if rows == 1 else 1.02):
            rows, limit, zoom = len(starts), width, found
        if zoom >= READABLE or len(starts) == len(lengths.widths):
            break
    return _starts(lengths, limit) if rows > 1 else best


def _lengths(columns: Columns, members: Sequence[int]) -> _Lengths:
    net, of, inside = columns.net, columns.of, set(members)
    first = min(of[here] for here in members)
    count = max(of[here] for here in members) - first + 1
    widths, heights, steps = [0.0] * count, [0.0] * count, [0] * (count + 1)
    begins = [False] * count
    for here in members:
        column, box = of[here] - first, net.boxes[here]
        widths[column] = max(widths[column], box.width)
        heights[column] += box.height + ROW_GAP
        begins[column] = begins[column] or not box.last
        after = [other for other in columns.forward(here) if other in inside]
        if after:
            steps[column + 1] += 1
            steps[max(of[other] for other in after) - first + 1] -= 1
    crossing: list[int] = []
    open_ = 0
    for step in steps[:count]:
        open_ += step
        crossing.append(open_ if begins[len(crossing)] else _NEVER)
    return _Lengths([width + COLUMN_GAP for width in widths], heights, crossing)


def _limits(total: float, least: float) -> list[float]:
    """Widths of rows to try, the widest first."""
    found: list[float] = []
    width = total / 1.1
    while width > least and len(found) < 80:
        found.append(width)
        width *= 0.88
    return [*found, least]


def _filled(lengths: _Lengths, limit: float) -> list[int]:
    """Where rows begin that are filled one after the other."""
    starts, width = [0], 0.0
    for column, wide in enumerate(lengths.widths):
        width += wide
        if width > limit and column:
            starts.append(column)
            width = wide
    return starts


def _zoom(lengths: _Lengths, starts: Sequence[int]) -> float:
    """How large the graph is when it is seen whole; 1 is its own size."""
    ends = [*starts[1:], len(lengths.widths)]
    rows = list(zip(starts, ends, strict=True))
    width = max(sum(lengths.widths[start:end]) for start, end in rows) - COLUMN_GAP
    height = sum(max(lengths.heights[start:end]) + ROW_GAP for start, end in rows)
    return min(1.0, SIGHT[0] / width, SIGHT[1] / height)


def _starts(lengths: _Lengths, limit: float) -> list[int]:
    """Where rows begin that are no wider than a limit: evenly filled, cut where few wires cross."""
    count = len(lengths.widths)
    cost = [0.0] * (count + 1)
    start = [0] * (count + 1)
    for end in range(1, count + 1):
        width, first = 0.0, end
        cost[end] = float("inf")
        while first and (first == end or width + lengths.widths[first - 1] <= limit):
            first -= 1
            width += lengths.widths[first]
            rest = 0.0 if end == count else ((limit - width) / limit) ** 2
            cut = _CROSSING * max(0, lengths.crossing[first] - 1) if first else 0.0
            found = cost[first] + rest + cut + 0.5
            if found < cost[end]:
                cost[end], start[end] = found, first
    starts = []
    end = count
    while end:
        end = start[end]
        starts.append(end)
    return starts[::-1]
