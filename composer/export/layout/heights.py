"""How high boxes stand in a row: long ways straight, nothing over anything."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import pairwise

from composer.export.layout.lanes import LANE, Item, Row, Step
from composer.export.layout.pieces import ROW_GAP

__all__ = ["heights"]

_LANE_GAP = 12.0
_TURNS = 6


class _Line:
    """Items of neighbouring columns whose wires are one straight line."""

    def __init__(self) -> None:
        self.items: list[tuple[Item, float]] = []
        self.y = 0.0
        self.above: list[tuple[_Line, float]] = []
        self.below: list[tuple[_Line, float]] = []

    def lowest(self) -> float:
        """How far down it may stand for what is below."""
        return min((line.y - gap for line, gap in self.below), default=float("inf"))

    def highest(self) -> float:
        """How far up it may stand for what is above."""
        return max((line.y + gap for line, gap in self.above), default=0.0)


def heights(row: Row) -> dict[int, float]:
    """How far below the upper edge of its row each box stands; lanes are under the ids of their items.

    Lines are aligned and packed as Brandes and Koepf do (Graph Drawing 2001), then those that are short move towards
    what they are wired to.
    """
    lines, of = _lines(row)
    order = _stacked(row, of, lines)
    for line in order:
        line.y = line.highest()
    for turn in range(_TURNS):
        for line in order if turn % 2 else order[::-1]:
            wish = _wish(line, of)
            if wish is not None:
                line.y = max(line.highest(), min(line.lowest(), wish))
    found = {id(item): round(line.y) + offset for line in lines for item, offset in line.items}
    least = min(found.values())
    return {key: y - least for key, y in found.items()}


def _lines(row: Row) -> tuple[list[_Line], dict[int, tuple[_Line, float]]]:
    before: dict[int, Step] = {}
    for layer in row.layers:
        before.update((id(step.target), step) for step in _straight(layer))
    lines: list[_Line] = []
    of: dict[int, tuple[_Line, float]] = {}
    for layer in row.layers:
        for item in layer:
            step = before.get(id(item))
            if step is None:
                lines.append(_Line())
                line, offset = lines[-1], 0.0
            else:
                line, offset = of[id(step.source)]
                offset += step.out_y - step.in_y
            line.items.append((item, offset))
            of[id(item)] = line, offset
    return lines, of


def _straight(layer: list[Item]) -> Iterator[Step]:
    """The wires out of a column that are drawn straight: of each box at most one, none across another."""
    steps = sorted((step for item in layer for step in item.right), key=lambda s: (-s.length, s.source.at, s.target.at))
    taken: list[tuple[int, int]] = []
    sources: set[int] = set()
    targets: set[int] = set()
    for step in steps:
        ends = step.source.at, step.target.at
        if ends[0] in sources or ends[1] in targets:
            continue
        insort(taken, ends)
        at = bisect_left(taken, ends)
        if (at and taken[at - 1][1] > ends[1]) or (at + 1 < len(taken) and taken[at + 1][1] < ends[1]):
            del taken[at]
            continue
        sources.add(ends[0])
        targets.add(ends[1])
        yield step


def _stacked(row: Row, of: dict[int, tuple[_Line, float]], lines: list[_Line]) -> list[_Line]:
    """Lines from above to below, each knowing its neighbours."""
    waiting = {id(line): 0 for line in lines}
    for layer in row.layers:
        for upper, lower in pairwise(layer):
            (above, up), (below, down) = of[id(upper)], of[id(lower)]
            gap = up + upper.height + _gap(upper, lower) - down
            above.below.append((below, gap))
            below.above.append((above, gap))
            waiting[id(below)] += 1
    order = [line for line in lines if not waiting[id(line)]]
    for line in order:
        for other, _ in line.below:
            waiting[id(other)] -= 1
            if not waiting[id(other)]:
                order.append(other)
    return order


def _gap(upper: Item, lower: Item) -> float:
    if upper.box is None and lower.box is None:
        return _LANE_GAP - LANE / 2
    return ROW_GAP if upper.box is not None and lower.box is not None else _LANE_GAP


def _wish(line: _Line, of: dict[int, tuple[_Line, float]]) -> float | None:
    """Where a line would stand for its wires to be straight: the median over wires to lines that are longer."""
    wishes = []
    for item, offset in line.items:
        ends = [(step.source, step.out_y, step.in_y) for step in item.left]
        ends += [(step.target, step.in_y, step.out_y) for step in item.right]
        for other, there, here in ends:
            theirs, aside = of[id(other)]
            if theirs is not line and len(theirs.items) >= len(line.items):
                wishes.append(theirs.y + aside + there - offset - here)
    return sorted(wishes)[len(wishes) // 2] if wishes else None
