"""Places for all boxes of a graph: columns along the wires, broken into rows."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from composer.export.layout.columns import Columns
from composer.export.layout.heights import heights
from composer.export.layout.lanes import Row
from composer.export.layout.pieces import COLUMN_GAP, ROW_GAP, Box, Link, Net
from composer.export.layout.rows import SIGHT, broken

__all__ = ["arrange"]

_CORRIDOR = 56.0
_LANE = 10.0
_NEAR = 3


def arrange(boxes: Sequence[Box], links: Sequence[Link]) -> dict[str, tuple[int, int]]:
    """Where every box stands, by its id: the upper left corners, from (0, 0) on, in whole pixels.

    A box stands right of what feeds it. A graph that is too long to be read at once is broken into rows that are read
    like a text. No two boxes overlap, and a wire within a row has a lane between the boxes that it passes. Boxes that
    are wired to nothing stand below.

    Args:
        boxes: The boxes; where they stand now does not count.
        links: The wires between them. They may form cycles.
    """
    net = Net(boxes, links)
    columns = Columns(net)
    found: dict[int, tuple[float, float]] = {}
    bottom = 0.0
    parts = net.parts()
    for part in parts:
        if len(part) > 1:
            bottom = _part(columns, part, bottom, found)
    _loose(net, [part[0] for part in parts if len(part) == 1], bottom, found)
    return {box.id: (round(found[at][0]), round(found[at][1])) for at, box in enumerate(boxes)}


def _part(columns: Columns, members: Sequence[int], top: float, found: dict[int, tuple[float, float]]) -> float:
    """Place a connected part; gives where the next may begin."""
    net = columns.net
    ends = [here for here in members if net.boxes[here].last and net.before[here] and not net.after[here]]
    inner = members if len(ends) == len(members) else sorted({*members} - {*ends})
    first = min(columns.of[here] for here in members)
    starts = [first + start for start in broken(columns, members)]
    rows: list[list[int]] = [[] for _ in starts]
    row_of: dict[int, int] = {}
    for here in inner:
        row_of[here] = bisect_right(starts, columns.of[here]) - 1
        rows[row_of[here]].append(here)
    for here in ends if inner is not members else ():
        rows[max(row_of[other] for other in net.before[here])].append(here)
    for row in filter(None, rows):
        inside = set(row)
        bottom = _row(columns, row, top, found)
        leaving = sum(any(other not in inside for other in net.after[here]) for here in row)
        top = bottom + _CORRIDOR + _LANE * min(leaving, 12)
    return math.ceil(top / 8) * 8


def _row(columns: Columns, members: Sequence[int], top: float, found: dict[int, tuple[float, float]]) -> float:
    """Place one row; gives its lower edge."""
    net = columns.net
    row = Row(columns, members, _columns_of(columns, members))
    y = heights(row)
    x, bottom = 0.0, top
    for layer in row.layers:
        boxes = [(item.box, y[id(item)]) for item in layer if item.box is not None]
        for here, height in boxes:
            found[here] = x, top + height
            bottom = max(bottom, top + height + net.boxes[here].height)
        bent = sum(abs(y[id(s.source)] + s.out_y - y[id(s.target)] - s.in_y) > 1 for item in layer for s in item.right)
        wide = max((net.boxes[here].width for here, _ in boxes), default=0.0)
        x += wide + COLUMN_GAP + min(64, 8 * max(0, bent - 3))
    return bottom


def _columns_of(columns: Columns, members: Sequence[int]) -> dict[int, int]:
    """The columns of a row's boxes; outputs stand right of what feeds them, at the row's end where that is near."""
    net = columns.net
    ends = [here for here in members if net.boxes[here].last and net.before[here] and not net.after[here]]
    found = {here: columns.of[here] for here in members}
    for here in ends:
        found[here] = max((columns.of[other] for other in net.before[here] if other in found), default=-1) + 1
    last = max(found.values())
    return found | {here: last for here in ends if last - found[here] <= _NEAR}


def _loose(net: Net, members: Sequence[int], top: float, found: dict[int, tuple[float, float]]) -> None:
    """Boxes that are wired to nothing, side by side below the others."""
    wide = max([SIGHT[0], *(place[0] + net.boxes[at].width for at, place in found.items())])
    x, y, tallest = 0.0, top, 0.0
    for here in members:
        box = net.boxes[here]
        if x and x + box.width > wide:
            x, y, tallest = 0.0, y + tallest + ROW_GAP, 0.0
        found[here] = x, y
        x += box.width + ROW_GAP
        tallest = max(tallest, box.height)
