"""Learning rates over a training, as factors that depend on the step and on nothing else.

A resumed training needs no state of a scheduler: the factor of step k is what it is, whoever asks.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping

from composer.training.recipe import Schedule

__all__ = ["RateSchedule"]


def _constant(_: "RateSchedule", __: float) -> float:
    return 1.0


def _cosine(schedule: "RateSchedule", done: float) -> float:
    return schedule.end + (1 - schedule.end) * (1 + math.cos(math.pi * done)) / 2


def _linear(schedule: "RateSchedule", done: float) -> float:
    return schedule.end + (1 - schedule.end) * (1 - done)


def _poly(schedule: "RateSchedule", done: float) -> float:
    return float(schedule.end + (1 - schedule.end) * (1 - done) ** schedule.power)


_FALLS: Mapping[str, Callable[["RateSchedule", float], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "linear": _linear,
    "one_cycle": _cosine,
    "poly": _poly,
}


class RateSchedule:
    """What every learning rate is multiplied with, by step.

    In the warm-up it rises from ``warmup_start`` to 1, in a straight line (half a cosine for ``one_cycle``,
    arXiv:1708.07120). From there, or after ``hold``, it falls until the end or ``cooldown``: along half a cosine
    (arXiv:1608.03983, without restarts), a line or a power of one. Steps of ``step`` are counted from the start of the
    training, warm-up included.

    Args:
        schedule: What the recipe says.
        epoch: Steps of an epoch.
        total: Steps of the training.
    """

    def __init__(self, schedule: Schedule, *, epoch: int, total: int) -> None:
        self.kind = schedule.type
        self.total = total
        self.warmup = min(schedule.warmup.in_steps(epoch=epoch, total=total), total)
        self.start = schedule.warmup_start
        self.end = schedule.end
        self.power = schedule.power
        self.gamma = schedule.gamma
        falls = schedule.type in ("cosine", "linear", "poly")
        self.falls_from = self.warmup + (schedule.hold.in_steps(epoch=epoch, total=total) if falls else 0)
        self.falls_to = total - (schedule.cooldown.in_steps(epoch=epoch, total=total) if falls else 0)
        self.at = sorted(span.in_steps(epoch=epoch, total=total) for span in schedule.at)
        if schedule.every is not None:
            every = max(schedule.every.in_steps(epoch=epoch, total=total), 1)
            self.at = list(range(every, total, every))

    def factor(self, step: int) -> float:
        """The factor of a step, counted from 0; after the last one it stays as it was there.

        Raises:
            ValueError: The step is negative.
        """
        if step < 0:
            raise ValueError(f"found the step {step}, expected one from 0")
        stepped = float(self.gamma ** bisect_right(self.at, step)) if self.kind == "step" else 1.0
        if step < self.warmup:
            risen = step / self.warmup
            if self.kind == "one_cycle":
                risen = (1 - math.cos(math.pi * risen)) / 2
            return stepped * (self.start + (1 - self.start) * risen)
        if self.kind == "step":
            return stepped
        done = min(max(step - self.falls_from, 0) / max(self.falls_to - self.falls_from, 1), 1.0)
        return _FALLS[self.kind](self, done)

    def curve(self, points: int = 200) -> list[tuple[int, float]]:
        """The factor at evenly spread steps, for drawing.

        Args:
            points: At most so many.
        """
        count = min(points, self.total)
        steps = sorted({round(index * (self.total - 1) / max(count - 1, 1)) for index in range(count)})
        return [(step, self.factor(step)) for step in steps]
