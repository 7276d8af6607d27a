"""The event log of a run: ``events.jsonl``, one JSON object a line, which one process writes and any number read.

The log is the truth about a run: curves, tables and every other view are made from it. A line is in the file once
``append`` returns, whatever then happens to the process. What a kill or a full disk left of a line is no event: readers
pass over it, and the next writer cuts it off.
"""

import hashlib
import json
import math
import os
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.problems import GraphError, Problem, Where

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["KINDS", "Event", "EventReader", "EventWriter", "last_event", "numbers_in", "plain", "read_events"]

KINDS = ("start", "step", "nodes", "evaluation", "checkpoint", "skipped", "note", "end")
"""What the engine writes. Readers pass over kinds that they do not know.

``start``: a process takes up the run; ``step`` is where (0 or where a checkpoint was). ``step``: the means of losses,
learning rate and speed since the last one. ``nodes``: numbers of every node in that step
(``composer.training.node_statistics``). ``evaluation``: metrics. ``checkpoint``: ``file``. ``skipped``: ``name`` of
a sample that could not be read. ``note``: ``message``. ``end``: ``state`` and ``message``.
"""

_OWN = ("kind", "step", "time")
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_BLOCK = 1 << 20
_DECODE = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log.

    Args:
        kind: One of ``KINDS``.
        step: Steps of the optimizer that were made when it was written.
        time: When it was written, in seconds since 1970.
        values: What it reports, by name.
    """

    kind: str
    step: int
    time: float
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_line(self) -> bytes:
        """The event as a line of the log, with its end."""
        data = {"step": self.step, "time": round(self.time, 3), "kind": self.kind, **self.values}
        return json.dumps(plain(data), ensure_ascii=False, allow_nan=False, separators=(", ", ": ")).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> "Event | None":
        """The event that a line holds; None where it holds none."""
        try:
            data = _DECODE(line.decode())
        except (ValueError, RecursionError):
            return None
        if not isinstance(data, dict):
            return None
        kind, step, when = data.pop("kind", None), data.pop("step", None), data.pop("time", None)
        if not (isinstance(kind, str) and type(step) is int and type(when) in (int, float)):
            return None
        for name, value in data.items():
            if type(value) is str and value in _NOT_FINITE:
                data[name] = _NOT_FINITE[value]
        return cls(kind, step, float(when), data)

    def numbers(self) -> dict[str, float]:
        """Those of its values that are numbers."""
        return {name: float(value) for name, value in self.values.items() if type(value) in (int, float)}


class EventWriter:
    """The one writer of a log.

    The lock is the system's: it ends with the process that holds it, however that ends, and processes that it forks
    (workers that read data) do not have it.

    Args:
        path: The log; made where there is none.

    Raises:
        GraphError: Another process, or another writer of this one, has it; or it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock: int | None = _locked(self.path)
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file: int | None = os.open(self.path, flags, 0o666)
            self._length = _whole(self._file)
            os.ftruncate(self._file, self._length)
        except OSError as error:
            self.close()
            raise _refusal(self.path, error) from None
        if hasattr(os, "register_at_fork"):
            mine = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _forget(mine()))

    @property
    def length(self) -> int:
        """Bytes that are written; a checkpoint keeps it, for ``cut``."""
        return self._length

    def append(self, kind: str, step: int, **values: Any) -> Event:
        """Write an event; it is in the file when this returns.

        Args:
            kind: One of ``KINDS``.
            step: Steps of the optimizer that were made.
            values: What it reports: numbers (also of no dimension, as tensors), texts, and lists and mappings of these.
                What is no number (NaN) is written as the text ``"NaN"``, which JSON lacks, and read back as a number.

        Raises:
            GraphError: The disk is full, or the file is gone; the log is as it was.
        """
        event = Event(kind, step, time.time(), values)
        line = event.to_line()
        file = self._open_file()
        try:
            written = 0
            while written < len(line):
                written += os.write(file, line[written:])
        except OSError as error:
            self._undo(file)
            raise _refusal(self.path, error) from None
        self._length += len(line)
        return event

    def cut(self, length: int) -> None:
        """Take back what was written after a checkpoint, from which the run goes on.

        Args:
            length: What ``length`` was at the checkpoint. A log that is shorter (a machine lost its power before it
                was on disk) stays as it is, and one that was cut elsewhere ends with its last whole line before.

        Raises:
            GraphError: It cannot be cut.
        """
        file = self._open_file()
        try:
            os.ftruncate(file, max(0, min(length, self._length)))
            self._length = _whole(file)
            os.ftruncate(file, self._length)
        except OSError as error:
            raise _refusal(self.path, error) from None

    def sync(self) -> None:
        """Have it on disk: with a checkpoint, so that the two fit after a loss of power too."""
        try:
            os.fsync(self._open_file())
        except OSError as error:
            raise _refusal(self.path, error) from None

    def close(self) -> None:
        """Let go of the log; another may write it now."""
        for descriptor in (getattr(self, "_file", None), self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._file = self._lock = None

    def __enter__(self) -> "EventWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_file(self) -> int:
        if self._file is None:
            raise ValueError("this log was closed")
        return self._file

    def _undo(self, file: int) -> None:
        """Take back a part of a line; where that fails too, the next writer does it."""
        try:
            os.ftruncate(file, self._length)
        except OSError:
            return


class EventReader:
    """Reads a log while it is written: each call of ``read`` gives what is new.

    Args:
        path: The log; it need not be there yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._offset = 0
        self._last = b""
        self.cuts = 0
        """How often the log was found cut (a run that was resumed): what was read before then may hold no longer."""

    @property
    def offset(self) -> int:
        """Bytes that were read."""
        return self._offset

    def place(self) -> tuple[int, int, str]:
        """How far was read, for ``skip``: bytes, the length of the last line, and its SHA-256."""
        return self._offset, len(self._last), hashlib.sha256(self._last).hexdigest()

    def skip(self, offset: int, length: int, hashed: str) -> bool:
        """Take as read what a reader before had read; whether the log still has it, to the last line.

        Args:
            offset: What ``place`` gave; likewise the others.
            length: The length of the last line.
            hashed: Its SHA-256.
        """
        if type(offset) is not int or type(length) is not int or not 0 < length <= min(offset, _BLOCK):
            return False
        try:
            with open(self.path, "rb") as file:
                file.seek(offset - length)
                last = file.read(length)
        except OSError:
            return False
        if len(last) != length or not last.endswith(b"\n") or hashlib.sha256(last).hexdigest() != hashed:
            return False
        self._offset, self._last = offset, last
        return True

    def notice_cut(self) -> bool:
        """Whether the log was cut since; then it is read from its start."""
        try:
            with open(self.path, "rb") as file:
                cut = self._was_cut(file)
        except FileNotFoundError:
            cut = self._offset > 0
        if cut:
            self.cuts += 1
            self._offset, self._last = 0, b""
        return cut

    def read(self, limit: int | None = None) -> list[Event]:
        """The events since the last call; after a cut (``cuts`` has grown) all of them from the start.

        Args:
            limit: At most so many bytes are read, in whole lines; None for all.
        """
        return list(self.stream(limit))

    def stream(self, limit: int | None = None) -> Iterator[Event]:
        """The same one by one, for a log of millions; each counts as read when it is handed out."""
        self.notice_cut()
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                start = self._offset
                for line in file:
                    if not line.endswith(b"\n") or (limit is not None and self._offset - start >= limit):
                        break
                    self._offset += len(line)
                    self._last = line[-_BLOCK:]
                    event = Event.of_line(line)
                    if event is not None:
                        yield event
        except FileNotFoundError:
            return

    def _was_cut(self, file: Any) -> bool:
        """Whether the last line that was read is no longer where it was; a log that has grown again is found so."""
        if not self._last:
            return False
        file.seek(self._offset - len(self._last))
        return bool(file.read(len(self._last)) != self._last)


def read_events(path: str | Path, *kinds: str) -> list[Event]:
    """All events of a log, or those of some kinds; none where there is no log.

    Args:
        path: The log.
        kinds: Of which kinds; by default of all.
    """
    return [event for event in EventReader(path).read() if not kinds or event.kind in kinds]


def last_event(path: str | Path, kind: str, limit: int = 1 << 24) -> Event | None:
    """The newest event of a kind, found from the end of a log; None where there is none.

    Args:
        path: The log.
        kind: Its kind.
        limit: So many bytes from the end are looked at, about.
    """
    try:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            least = max(0, end - limit)
            rest = b""  # the beginning of a line whose start lies further ahead
            whole = False
            while end > least:
                start = max(0, end - _BLOCK)
                file.seek(start)
                first, *lines = (file.read(end - start) + rest).split(b"\n")
                if lines and not whole:  # what follows the last line's end is a line that is being written
                    lines.pop()
                    whole = True
                for line in reversed([first, *lines] if start == 0 else lines):
                    event = Event.of_line(line) if kind.encode() in line else None
                    if event is not None and event.kind == kind:
                        return event
                rest, end = first, start
    except FileNotFoundError:
        return None
    return None


def numbers_in(values: Mapping[str, Any]) -> dict[str, float]:
    """Those of the values that are numbers."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def plain(value: Any) -> Any:
    """What JSON has, of what a loop has at hand: NaN becomes the text ``"NaN"``, a tensor a number or a list."""
    if isinstance(value, float):
        return value if math.isfinite(value) else next(name for name, one in _NOT_FINITE.items() if _same(one, value))
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _whole(file: int) -> int:
    """How many bytes of a log are whole lines."""
    end = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        os.lseek(file, start, os.SEEK_SET)
        found = os.read(file, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _locked(path: Path) -> int:
    """A descriptor of the lock of a log, which is a file beside it."""
    beside = path.with_suffix(".lock")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _refusal(beside, error) from None
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        text = "another process writes this run: stop it first, or watch it with 'composer runs'"
        raise GraphError(Problem("run-busy", Where(file=str(path.parent)), text)) from None
    return descriptor


def _forget(writer: EventWriter | None) -> None:
    """In a forked process: close what it inherited, so that the lock is its parent's alone."""
    if writer is not None:
        writer.close()


def _refusal(path: Path, error: OSError) -> GraphError:
    text = f"the run cannot be written: {error.strerror or error}"
    return GraphError(Problem("cannot-write", Where(file=str(path)), text))
