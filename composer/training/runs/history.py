"""The history of a run as its log has it, in bounded size: thinned curves, the last evaluation, the best value.

A log of millions of events is never read twice. What was read of it is kept in ``curves.json`` beside it, with the
place up to which it was read and the hash of the line that ends there. The process that trains brings it up to date
with each checkpoint, so that a reader, however late it comes, has only the events since the last one to read. The log
stays the truth: where the two do not fit, because a run was resumed from an older checkpoint or a file was changed by
hand, the log is read from its start.
"""

import json
import math
import os
import time
from contextlib import suppress
from typing import Any

from composer.graph.file import atomic_write
from composer.problems import GraphError
from composer.training.memory.budget import FORECAST
from composer.training.metrics import is_lower_better
from composer.training.progress import Pace
from composer.training.runs.curves import Curve
from composer.training.runs.events import Event, plain
from composer.training.runs.folder import CURVES, EVENTS, RunFolder

__all__ = ["History"]

_VERSION = 1
_POINTS = 400
"""Points of a curve, at most: a chart is some hundred pixels wide."""
_NAMES = 200
_STRETCH = 1 << 20
_WORTH = 1 << 18
"""Bytes of the log that take long enough to read (some 50 ms) to be kept as read."""


class History:
    """A run's log as far as it was read.

    Args:
        run: The run's folder.

    Attributes:
        curves: Its curves, by name.
        metrics: The last evaluation.
        best: The best value of the metric that says which weights are best, and its step; None where there is none.
        seconds: How long the processes ran that are in the log.
        began: When the first of them began, in seconds since 1970; 0 where the log is empty.
        last: When the last event was written; 0 where the log is empty.
        step: Steps that were made when it was written.
        steps: Steps of the whole training; 0 where they are not known.
        events: How many events were read.
        pace: How fast steps are made.
        forecast: Bytes of memory that were forecast before the first step of the newest process; None without.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.reader = run.reader()
        self._named: tuple[str, str | None] | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.cuts = self.reader.cuts
        self.curves: dict[str, Curve] = {}
        self.pace = Pace()
        self.metrics: dict[str, float] = {}
        self.best: tuple[float, int] | None = None
        self.forecast: int | None = None
        self.seconds = self.began = self.last = 0.0
        self.step = self.steps = self.events = self._kept = 0

    def refresh(self, seconds: float = math.inf, upto: int | None = None) -> bool:
        """Read on for at most so long; whether all was read.

        Args:
            seconds: How long.
            upto: Only so many bytes of the log are read, from its start.
        """
        until = time.monotonic() + seconds
        if self.reader.notice_cut() or not self.events:
            self._begin_anew()
            self._restore()
        while True:
            found = 0
            limit = _STRETCH if upto is None else min(_STRETCH, upto - self.reader.offset)
            for event in self.reader.stream(limit):
                if self.reader.cuts != self.cuts:
                    self._begin_anew()
                self._take(event)
                found += 1
            if self.reader.cuts != self.cuts:
                self._begin_anew()
            if not found:
                return True
            if time.monotonic() >= until:
                return self.read >= 1.0

    @property
    def read(self) -> float:
        """How much of the log was read, from 0 to 1."""
        try:
            size = os.stat(self.run.path / EVENTS).st_size
        except OSError:
            return 1.0
        return 1.0 if size == 0 else min(1.0, self.reader.offset / size)

    @property
    def metric(self) -> tuple[str, bool]:
        """The number that says which weights are best, and whether less of it is better."""
        if self._named is None:
            try:
                recipe = RunFolder(self.run.path).recipe
                self._named = recipe.evaluation.best or "", recipe.evaluation.mode
            except GraphError:
                name = next(iter(self.metrics), "")
                return name, is_lower_better(name)
        name, mode = self._named
        name = name or next(iter(self.metrics), "")
        return name, mode == "min" if mode is not None else is_lower_better(name)

    def keep(self) -> bool:
        """Write what was read to ``curves.json``, where that spares a reader something; whether it was written.

        A folder that cannot be written, or a full disk, is no reason for more than to read the log again.
        """
        if self.reader.offset - self._kept < _WORTH:
            return False
        try:
            text = json.dumps(self._to_json(), separators=(",", ":"), allow_nan=False)
            atomic_write(self.run.path / CURVES, text.encode())
        except OSError:
            return False
        self._kept = self.reader.offset
        return True

    def _take(self, event: Event) -> None:
        self.events += 1
        if not self.began:
            self.began = event.time
        elif event.kind != "start":  # what lies before a start is a pause between two processes
            self.seconds += max(0.0, event.time - self.last)
        self.last, self.step = event.time, event.step
        match event.kind:
            case "start":
                self.steps = int(event.numbers().get("steps", self.steps))
                self.pace = Pace()
                self.pace.add(event.step, event.time)
            case kind if kind == FORECAST:
                memory = event.numbers().get("memory")
                self.forecast = None if memory is None else int(memory)
            case "step" | "evaluation":
                self.pace.add(event.step, event.time)
                numbers = event.numbers()
                for name, value in numbers.items():
                    curve = self.curves.get(name)
                    if curve is not None:
                        curve.add(event.step, value)
                    elif len(self.curves) < _NAMES:
                        self.curves[name] = curve = Curve(_POINTS)
                        curve.add(event.step, value)
                if event.kind == "evaluation":
                    self.metrics = numbers
                    self._judge(event.step)

    def _judge(self, step: int) -> None:
        name, lower = self.metric
        value = self.metrics.get(name, math.nan)
        if math.isnan(value):
            return
        if self.best is None or (value < self.best[0] if lower else value > self.best[0]):
            self.best = value, step

    # What is kept.

    def _restore(self) -> None:
        """Take what was read before, by whomever, where the log still has it."""
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            data = json.loads((self.run.path / CURVES).read_bytes())
            if data["version"] != _VERSION or data["metric"] != list(self._choice()):
                return
            curves = {name: Curve.of_json(one, _POINTS) for name, one in data["curves"].items()}
            pace = Pace.of_json(data["pace"])
            metrics = {name: float(value) for name, value in data["metrics"].items()}
            best = None if data["best"] is None else (float(data["best"][0]), int(data["best"][1]))
            seconds, began, last = (float(data[name]) for name in ("seconds", "began", "last"))
            step, steps, events = (int(data[name]) for name in ("step", "steps", "events"))
            forecast = None if data.get("forecast") is None else int(data["forecast"])
            if not self.reader.skip(*data["place"]):
                return
            self.curves, self.pace, self.metrics, self.best = curves, pace, metrics, best
            self.seconds, self.began, self.last = seconds, began, last
            self.step, self.steps, self.events = step, steps, events
            self.forecast = forecast
            self._kept = self.reader.offset

    def _to_json(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "place": self.reader.place(),
            "metric": self._choice(),
            "curves": {name: curve.to_json() for name, curve in self.curves.items()},
            "pace": self.pace.to_json(),
            "metrics": plain(self.metrics),
            "best": self.best,
            "forecast": self.forecast,
            **{name: getattr(self, name) for name in ("seconds", "began", "last", "step", "steps", "events")},
        }

    def _choice(self) -> tuple[str, str]:
        """What the recipe says of the best weights: with another choice the best value is another one."""
        _ = self.metric
        name, mode = self._named or ("", None)
        return name, mode or ""
