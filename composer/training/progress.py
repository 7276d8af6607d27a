"""What a training shows while it goes on: on a terminal a few lines that change, anywhere else a line now and then."""

import math
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from composer.problems import byte_text, time_text
from composer.training.memory.budget import FORECAST, memory_peak
from composer.training.metrics import is_lower_better
from composer.training.runs.events import numbers_in

__all__ = [
    "NOT_LOSSES",
    "Pace",
    "Progress",
]

_WINDOWS = 40
"""Stretches between two events that the pace is judged by, at most: it follows what has changed."""
_QUIET = 60.0
"""Seconds between two lines where there is no terminal, at least; evaluations are always printed."""
NOT_LOSSES = ("epoch", "lr", "rate", "waited", "memory", "gradient", "scale")
"""Numbers of a step that are reported beside its losses."""


@dataclass(frozen=True, slots=True)
class Left:
    """How long a training still takes, in seconds.

    Args:
        seconds: By the mean pace.
        least: By the faster quarter of the stretches.
        most: By the slower one.
    """

    seconds: float
    least: float
    most: float

    def __str__(self) -> str:
        least, most = time_text(self.least), time_text(self.most)
        spread = f" ({least} to {most})" if least != most else ""
        return f"{time_text(self.seconds)} left{spread}"


class Pace:
    """How fast steps are made, evaluations and checkpoints between them included."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None
        self._each: deque[tuple[int, float]] = deque(maxlen=_WINDOWS)

    def add(self, step: int, now: float) -> None:
        """Note when so many steps were made."""
        if self._last is not None and step > self._last[0]:
            self._each.append((step - self._last[0], now - self._last[1]))
        if self._last is None or step != self._last[0]:
            self._last = (step, now)

    def to_json(self) -> dict[str, Any]:
        """The pace as plain data."""
        return {"last": self._last, "each": list(self._each)}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> "Pace":
        """The pace of plain data that ``to_json`` gave.

        Raises:
            ValueError: It is none; so are TypeError and KeyError.
        """
        found = cls()
        if data["last"] is not None:
            step, now = data["last"]
            found._last = int(step), float(now)
        found._each.extend((int(count), float(seconds)) for count, seconds in data["each"])
        return found

    def left(self, step: int, steps: int) -> Left | None:
        """How long the rest takes; None while too little is known."""
        if len(self._each) < 2 or steps <= step:
            return None
        made, took = (sum(values) for values in zip(*self._each, strict=True))
        paces = sorted(seconds / count for count, seconds in self._each)
        quarter = len(paces) // 4
        rest, mean = steps - step, took / made
        return Left(rest * mean, rest * min(mean, paces[quarter]), rest * max(mean, paces[-1 - quarter]))


class Progress:
    """Shows the events of a training; what ``train(on_event=...)`` takes.

    Args:
        name: What is trained.
        stream: Where it is shown.
        terminal: Whether lines may change; by default whether the stream is a terminal.
    """

    def __init__(self, name: str, stream: IO[str] | None = None, *, terminal: bool | None = None) -> None:
        stream = sys.stderr if stream is None else stream
        changes = stream.isatty() if terminal is None else terminal
        self.name = name
        self._forecast = 0
        self.console = Console(
            file=stream,
            force_terminal=terminal,
            highlight=False,
            markup=False,
            width=None if changes else 1_000_000,
        )
        self._live = Live(console=self.console, auto_refresh=False, transient=True) if changes else None
        self._pace = Pace()
        self._step = self._steps = 0
        self._epoch = 0.0
        self._values: dict[str, float] = {}
        self._metrics: dict[str, float] = {}
        self._best: tuple[str, float, int] | None = None
        self._printed = -math.inf

    def __enter__(self) -> "Progress":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Show an event."""
        self._step = step
        match kind:
            case "start":
                self._steps = int(values.get("steps", 0))
                self._pace.add(step, time.monotonic())
                begins = f"{self.name}: {self._steps:,} steps" + (f", going on at {step:,}" if step else "")
                self._line(begins)
            case "step":
                self._pace.add(step, time.monotonic())
                self._values = numbers_in(values)
                self._epoch = self._values.get("epoch", self._epoch)
                self._now_and_then()
            case "evaluation":
                self._metrics = numbers_in(values)
                self._note_best()
                self._line(f"{self._place()}: {_numbers(self._metrics)}")
                self._printed = time.monotonic()
            case kind if kind == FORECAST:
                self._forecast = int(values.get("memory", 0))
            case "note":
                self._line(str(values.get("message", "")))
            case "skipped":
                self._line(f"left out: {values.get('name')} cannot be read")
        self._refresh()

    def _now_and_then(self) -> None:
        """Where lines cannot change, a few are enough."""
        now = time.monotonic()
        if self._live is None and now - self._printed >= _QUIET:
            self._printed = now
            left = self._pace.left(self._step, self._steps)
            parts = [self._place(), _numbers(self._losses()), *self._rates(), *([str(left)] if left else [])]
            self._line(", ".join(part for part in parts if part))

    def _note_best(self) -> None:
        name = next(iter(self._metrics), None)
        if name is None or math.isnan(self._metrics[name]):
            return
        value = self._metrics[name]
        held = self._best[1] if self._best is not None and self._best[0] == name else None
        if held is None or (value < held if is_lower_better(name) else value > held):
            self._best = (name, value, self._step)

    def _place(self) -> str:
        of = f" of {self._steps:,}" if self._steps else ""
        return f"step {self._step:,}{of}, epoch {self._epoch:.1f}"

    def _losses(self) -> dict[str, float]:
        return {name: value for name, value in self._values.items() if name not in NOT_LOSSES}

    def _rates(self) -> list[str]:
        """Learning rate, speed, and memory beside what was forecast."""
        found = []
        if "lr" in self._values:
            found.append(f"lr {self._values['lr']:.3g}")
        if "rate" in self._values:
            found.append(f"{self._values['rate']:,.0f} images/s")
        if self._values.get("waited", 0.0) > 0.1:
            found.append(f"{self._values['waited']:.0%} waiting for data")
        memory = self._values.get("memory", memory_peak())
        if memory:
            ahead = f" of {byte_text(self._forecast)} forecast" if self._forecast else ""
            found.append(f"{byte_text(memory)}{ahead}")
        return found

    def _line(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._view(), refresh=True)

    def _view(self) -> Group:
        bar = Table.grid(padding=(0, 1))
        share = self._step / self._steps if self._steps else 0.0
        left = self._pace.left(self._step, self._steps)
        width = max(10, min(40, self.console.width - 60))
        bar.add_row(
            Text(self.name, "bold"), ProgressBar(1.0, share, width=width), Text(f"{share:.0%}"), Text(str(left or ""))
        )
        lines = [Text(f"{self._place()}  {_numbers(self._losses())}"), Text("  ".join(self._rates()), "dim")]
        if self._metrics:
            best = f"   best {self._best[0]} {self._best[1]:.4g} at step {self._best[2]:,}" if self._best else ""
            lines.append(Text(f"{_numbers(self._metrics)}{best}", "green"))
        return Group(bar, *lines)


def _numbers(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())
