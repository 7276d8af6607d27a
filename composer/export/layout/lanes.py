"""One row of columns: which box stands above which, with lanes for wires that pass columns."""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from composer.export.layout.columns import Columns

__all__ = ["LANE", "Item", "Row", "Step"]

LANE = 12.0
"""Height of the lane of a wire that passes a column, in pixels."""
_MOST_LANES = 20_000
_SMALL = 400


@dataclass(slots=True)
class Item:
    """A box, or a lane, in a column of a row.

    Args:
        box: The box; None for a lane.
        column: Its column, counted from the row's first.
        height: In pixels.
    """

    box: int | None
    column: int
    height: float
    at: int = 0
    left: list["Step"] = field(default_factory=list)
    right: list["Step"] = field(default_factory=list)


@dataclass(slots=True)
class Step:
    """A wire, or a piece of it, from one column to the next.

    Args:
        source: Where it comes from.
        target: Where it goes to.
        out_y: How far below the upper edge of the source it leaves.
        in_y: How far below the upper edge of the target it enters.
        length: Boxes on the longest way through the whole wire: what lies on a long way is kept straight.
    """

    source: Item
    target: Item
    out_y: float
    in_y: float
    length: int


class Row:
    """Columns of a part, ordered so that few wires cross.

    The order begins as one walks along the wires, the longest way first, and is bettered by barycentres (Sugiyama et
    al. 1981, section 4) as long as fewer wires cross.

    Args:
        columns: Where boxes stand.
        members: The boxes of the row.
        of: The column of each.
    """

    def __init__(self, columns: Columns, members: Sequence[int], of: Mapping[int, int]) -> None:
        self.columns = columns
        first = min(of.values())
        self.items: dict[int, Item] = {}
        self.layers: list[list[Item]] = [[] for _ in range(max(of.values()) - first + 1)]
        self.lanes: dict[tuple[int, float], list[Item]] = {}
        for here in members:
            self.items[here] = self._put(Item(here, of[here] - first, columns.net.boxes[here].height))
        self._connect()
        self._walk()
        self._better()

    def _put(self, item: Item) -> Item:
        self.layers[item.column].append(item)
        return item

    def _connect(self) -> None:
        """Steps for every wire; all wires of an output share a lane."""
        net, columns = self.columns.net, self.columns
        spans = sorted(
            (self.items[target].column - self.items[source].column, at)
            for at, (source, target) in enumerate(net.ends)
            if source in self.items and target in self.items and (source, target) not in columns.back
        )
        few = sum(span - 1 for span, _ in spans if span > 1) <= _MOST_LANES
        for span, at in reversed(spans):
            source, target = (self.items[end] for end in net.ends[at])
            link = net.links[at]
            length = columns.behind[source.box or 0] + columns.ahead[target.box or 0]
            here, out_y = source, link.out_y
            if span > 1 and few:
                for lane in self._lane(source, link.out_y, span - 1, length):
                    here, out_y = lane, LANE / 2
            if span == 1 or here is not source:
                _step(here, target, out_y, link.in_y, length)

    def _lane(self, source: Item, out_y: float, count: int, length: int) -> list[Item]:
        lanes = self.lanes.setdefault((source.box or 0, out_y), [])
        while len(lanes) < count:
            before, leave = (lanes[-1], LANE / 2) if lanes else (source, out_y)
            lanes.append(self._put(Item(None, source.column + len(lanes) + 1, LANE)))
            _step(before, lanes[-1], leave, LANE / 2, length)
        return lanes[:count]

    def _walk(self) -> None:
        """Order each column as one comes by, along the longest way first."""
        seen: set[int] = set()
        found: list[list[Item]] = [[] for _ in self.layers]
        for start in sorted(
            (item for layer in self.layers for item in layer), key=lambda i: (bool(i.left), *self._rank(i))
        ):
            stack = [start]
            while stack:
                item = stack.pop()
                if id(item) in seen:
                    continue
                seen.add(id(item))
                found[item.column].append(item)
                nexts = sorted((step.target for step in item.right), key=self._rank)
                stack.extend(reversed(nexts))
        self._take(found)

    def _rank(self, item: Item) -> tuple[int, int]:
        """What is walked first: the longest way onwards; lanes last."""
        return (1, 0) if item.box is None else (-self.columns.ahead[item.box], item.box)

    def _take(self, layers: list[list[Item]]) -> None:
        self.layers = layers
        for layer in layers:
            for at, item in enumerate(layer):
                item.at = at

    def _better(self) -> None:
        best, least = [list(layer) for layer in self.layers], self.crossings()
        rounds = 12 if sum(map(len, self.layers)) <= _SMALL else 2
        for turn in range(rounds):
            if not least:
                break
            onward = turn % 2 == 0
            for layer in self.layers if onward else self.layers[::-1]:
                layer.sort(key=lambda item: _barycentre(item, onward))
                for at, item in enumerate(layer):
                    item.at = at
            found = self.crossings()
            if found < least:
                best, least = [list(layer) for layer in self.layers], found
        self._take(best)

    def crossings(self) -> int:
        """How many pairs of wires cross between neighbouring columns."""
        count = 0
        for layer in self.layers:
            steps = sorted((_leaving(step), _entering(step)) for item in layer for step in item.right)
            seen: list[float] = []
            for _, entering in steps:
                count += len(seen) - bisect_left(seen, entering + 1e-9)
                insort(seen, entering)
        return count


def _step(source: Item, target: Item, out_y: float, in_y: float, length: int) -> None:
    step = Step(source, target, out_y, in_y, length)
    source.right.append(step)
    target.left.append(step)


def _leaving(step: Step) -> float:
    return step.source.at + step.out_y / (step.source.height + 1)


def _entering(step: Step) -> float:
    return step.target.at + step.in_y / (step.target.height + 1)


def _barycentre(item: Item, onward: bool) -> float:
    found = [_leaving(step) for step in item.left] if onward else [_entering(step) for step in item.right]
    return sum(found) / len(found) if found else item.at + 0.5
