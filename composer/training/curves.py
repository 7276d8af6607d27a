"""Curves of a run from its log, thinned: a run of a million steps costs what one of a thousand does to look at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from composer.training.events import Event, EventReader

__all__ = ["Curve", "Curves", "Point", "sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(slots=True)
class Point:
    """A stretch of a curve.

    Args:
        first: The first step of it.
        last: The last one.
        mean: The mean of its values.
        low: The least of them.
        high: The greatest of them.
        count: How many there are.
        broken: How many were no numbers (NaN or infinite).
    """

    first: int
    last: int
    mean: float
    low: float
    high: float
    count: int = 1
    broken: int = 0

    def take(self, step: int, value: float) -> None:
        """Let it reach to a further step."""
        self.last = step
        if not math.isfinite(value):
            self.broken += 1
        elif self.count == self.broken:
            self.mean = self.low = self.high = value
        else:
            self.mean += (value - self.mean) / (self.count - self.broken + 1)
            self.low, self.high = min(self.low, value), max(self.high, value)
        self.count += 1

    def joined(self, other: "Point") -> "Point":
        """The two as one."""
        mine, theirs = self.count - self.broken, other.count - other.broken
        total = mine + theirs
        mean = (self.mean * mine if mine else 0.0) + (other.mean * theirs if theirs else 0.0)
        parts = [point for point in (self, other) if point.count > point.broken]
        return Point(
            self.first,
            other.last,
            mean / total if total else math.nan,
            min((point.low for point in parts), default=math.nan),
            max((point.high for point in parts), default=math.nan),
            self.count + other.count,
            self.broken + other.broken,
        )


@dataclass
class Curve:
    """One number over the steps, in at most so many points: where there are more, two and two become one.

    What was spread over a stretch stays visible, as its least and greatest value; NaN is counted, never lost.

    Args:
        most: Points, at most.
    """

    most: int = 1000
    points: list[Point] = field(default_factory=list)
    last: float = math.nan
    _width: int = 1

    def add(self, step: int, value: float) -> None:
        """Add a value."""
        self.last = value
        if self.points and self.points[-1].count < self._width:
            self.points[-1].take(step, value)
            return
        new = Point(step, step, math.nan, math.nan, math.nan, 0)
        new.take(step, value)
        self.points.append(new)
        if len(self.points) > self.most:
            pairs = zip(self.points[::2], self.points[1::2], strict=False)
            rest = self.points[-1:] if len(self.points) % 2 else []
            self.points = [one.joined(other) for one, other in pairs] + rest
            self._width *= 2

    def best(self, *, lower: bool) -> tuple[float, int] | None:
        """The least or the greatest value, and a step near it; None where there is none."""
        kept = [point for point in self.points if point.count > point.broken]
        if not kept:
            return None
        point = min(kept, key=lambda one: one.low) if lower else max(kept, key=lambda one: one.high)
        return (point.low if lower else point.high), point.last


class Curves:
    """All curves of a log, which grow while it is written.

    Args:
        reader: Reads the log.
        most: Points of each curve, at most.
        kinds: Which events have numbers.
    """

    def __init__(self, reader: EventReader, most: int = 1000, kinds: Sequence[str] = ("step", "evaluation")) -> None:
        self.reader = reader
        self.most = most
        self.kinds = tuple(kinds)
        self.curves: dict[str, Curve] = {}
        self._cuts = reader.cuts

    def refresh(self) -> bool:
        """Read what is new; whether there was something. After a cut of the log the curves begin anew."""
        found = False
        for event in self.reader.stream():
            self._begin_anew_after_a_cut()
            self.add(event)
            found = True
        self._begin_anew_after_a_cut()
        return found

    def add(self, event: Event) -> None:
        """Take the numbers of an event."""
        if event.kind in self.kinds:
            for name, value in event.numbers().items():
                self.curves.setdefault(name, Curve(self.most)).add(event.step, value)

    def _begin_anew_after_a_cut(self) -> None:
        if self.reader.cuts != self._cuts:
            self._cuts = self.reader.cuts
            self.curves.clear()


def sparkline(values: Sequence[float], width: int = 32, *, low: float | None = None, high: float | None = None) -> str:
    """Values as a line of blocks, ``▁▃▅▇``; what is no number is ``!``.

    Args:
        values: The values, in order.
        width: Blocks, at most.
        low: What the lowest block stands for; by default the least value.
        high: What the highest stands for.
    """
    if not values:
        return ""
    width = min(width, len(values))
    bounds = [round(place * len(values) / width) for place in range(width + 1)]
    parts = [values[start:stop] for start, stop in pairwise(bounds)]
    means = [sum(part) / len(part) if all(map(math.isfinite, part)) else math.nan for part in parts]
    finite = [value for value in means if math.isfinite(value)]
    least = min(finite, default=0.0) if low is None else low
    most = max(finite, default=0.0) if high is None else high
    found = ""
    for value in means:
        if not math.isfinite(value):
            found += "!"
            continue
        share = (value - least) / (most - least) if most > least else 0.5
        found += _BLOCKS[min(len(_BLOCKS) - 1, max(0, int(share * len(_BLOCKS))))]
    return found
