"""Curves of a run from its log, thinned: a run of a million steps costs what one of a thousand does to look at."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from composer.training.runs.events import plain

__all__ = ["Curve", "Point", "sparkline"]

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
            if value < self.low:
                self.low = value
            elif value > self.high:
                self.high = value
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

    @property
    def width(self) -> int:
        """How many values a point stands for; where it grows, all points change."""
        return self._width

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

    def to_json(self) -> dict[str, Any]:
        """The curve as plain data, one list for each part of its points; what is no number is a text, as in the log."""
        points = self.points
        return {
            "width": self._width,
            "last": plain(self.last),
            "first": [point.first for point in points],
            "to": [point.last for point in points],
            "mean": [plain(point.mean) for point in points],
            "low": [plain(point.low) for point in points],
            "high": [plain(point.high) for point in points],
            "count": [point.count for point in points],
            "broken": [point.broken for point in points],
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any], most: int) -> "Curve":
        """The curve of plain data that ``to_json`` gave.

        Args:
            data: The plain data.
            most: Points, at most, as the curve had them.

        Raises:
            ValueError: It is no curve, or one of more points; so are TypeError and KeyError.
        """
        ints, floats = ("first", "to", "count", "broken"), ("mean", "low", "high")
        whole = {name: [int(value) for value in data[name]] for name in ints}
        parts = {name: [float(value) for value in data[name]] for name in floats}
        if len(whole["first"]) > most:
            raise ValueError("it has too many points")
        columns = (whole["first"], whole["to"], *parts.values(), whole["count"], whole["broken"])
        points = [Point(*values) for values in zip(*columns, strict=True)]
        return cls(most, points, float(data["last"]), int(data["width"]))

    def best(self, *, lower: bool) -> tuple[float, int] | None:
        """The least or the greatest value, and a step near it; None where there is none."""
        kept = [point for point in self.points if point.count > point.broken]
        if not kept:
            return None
        point = min(kept, key=lambda one: one.low) if lower else max(kept, key=lambda one: one.high)
        return (point.low if lower else point.high), point.last


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
