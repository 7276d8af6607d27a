"""What a run is doing: ``status.json``, and whether the process that it names is still there."""

import json
import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from composer.graph.file import atomic_write
from composer.problems import GraphError, Problem, Where

__all__ = ["ACTIVE", "State", "Status", "StatusWriter", "process_start", "read_status", "stop_run"]

State = Literal["starting", "running", "stopping", "finished", "stopped", "failed", "died"]
ACTIVE = ("starting", "running", "stopping")
"""The states of a run whose process should be there."""

_BEAT = 2.0
"""Seconds between two heartbeats, at least."""

_SILENT = 600.0
"""Seconds without a heartbeat after which a run of another machine, where no process can be looked for, is dead."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a run is doing.

    Args:
        state: ``starting``, ``running``, ``stopping`` (asked to stop, and saving); ``finished``, ``stopped`` (by a
            user or a signal, with a checkpoint), ``failed`` (with an error); ``died`` is never written: a reader finds
            that the process of a running one is gone.
        step: Steps of the optimizer that were made.
        steps: Steps of the whole training; 0 while it is not known.
        epoch: The epoch that goes on, from 0.
        message: Its last words: what it does now, or why it ended.
        heartbeat: When it last said so, in seconds since 1970.
        begun: When the process took up the run.
        pid: The process.
        started: When that process started, as the system reports it, so that another one with its number is not taken
            for it; empty where the system does not report it.
        host: The machine.
        processes: How many processes train together.
    """

    state: State
    step: int = 0
    steps: int = 0
    epoch: int = 0
    message: str = ""
    heartbeat: float = 0.0
    begun: float = 0.0
    pid: int = 0
    started: str = ""
    host: str = ""
    processes: int = 1

    @property
    def active(self) -> bool:
        """Whether its process is there."""
        return self.state in ACTIVE

    def to_json(self) -> dict[str, Any]:
        """The status as plain data."""
        return asdict(self)

    @classmethod
    def of_json(cls, data: Any) -> "Status | None":
        """The status in plain data; None where it is none."""
        if not isinstance(data, Mapping) or data.get("state") not in get_args(State):
            return None
        usual = cls(data["state"])
        found: dict[str, Any] = {}
        for part in fields(cls):
            value, default = data.get(part.name), getattr(usual, part.name)
            if type(value) is type(default) or (isinstance(default, float) and type(value) is int):
                found[part.name] = value
        return replace(usual, **found)


class StatusWriter:
    """Writes what a run is doing; the file is replaced at once, so a reader never finds half of it.

    Args:
        path: The file.
        processes: How many processes train together.
    """

    def __init__(self, path: str | Path, processes: int = 1) -> None:
        self.path = Path(path)
        self._written = 0.0
        now = time.time()
        self.status = Status(
            "starting",
            heartbeat=now,
            begun=now,
            pid=os.getpid(),
            started=process_start(os.getpid()),
            host=socket.gethostname(),
            processes=processes,
        )

    def write(
        self,
        state: State,
        message: str = "",
        *,
        step: int | None = None,
        steps: int | None = None,
        epoch: int | None = None,
    ) -> None:
        """Write a state, on disk before this returns.

        Args:
            state: What it does now.
            message: Its last words.
            step: Steps that were made, if this changed; likewise ``steps`` and ``epoch``.
            steps: Steps of the whole training.
            epoch: The epoch that goes on.

        Raises:
            GraphError: It cannot be written.
        """
        self._change(state, message, step, steps, epoch)
        try:
            atomic_write(self.path, _text(self.status))
        except OSError as error:
            text = f"the run cannot be written: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(file=str(self.path)), text)) from None
        self._written = time.monotonic()

    def beat(self, *, step: int | None = None, steps: int | None = None, epoch: int | None = None) -> None:
        """Say that the run goes on; cheap enough for every step, since most calls write nothing.

        A full disk is no reason to end a training here: the log and the checkpoints report it.
        """
        self._change(self.status.state, self.status.message, step, steps, epoch)
        if time.monotonic() - self._written < _BEAT:
            return
        self._written = time.monotonic()
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        with suppress(OSError):  # not on disk at once, unlike a state: a beat that a loss of power takes is no loss
            beside.write_bytes(_text(self.status))
            os.replace(beside, self.path)

    def _change(self, state: State, message: str, step: int | None, steps: int | None, epoch: int | None) -> None:
        old = self.status
        self.status = replace(
            old,
            state=state,
            message=message,
            heartbeat=time.time(),
            step=old.step if step is None else step,
            steps=old.steps if steps is None else steps,
            epoch=old.epoch if epoch is None else epoch,
        )


def read_status(path: str | Path) -> Status | None:
    """What a run is doing; None where the file is missing or damaged.

    A run that says it is running and whose process is gone has ``died``. On another machine no process can be looked
    for, and a run dies there with ten minutes without a heartbeat.
    """
    try:
        found = Status.of_json(json.loads(Path(path).read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None
    if found is None or found.state not in ACTIVE or _is_alive(found):
        return found
    return replace(found, state="died")


def stop_run(path: str | Path, *, kill: bool = False) -> bool:
    """Ask the process of a run on this machine to save and exit at its next step, or end it at once.

    Args:
        path: Its ``status.json``.
        kill: End it at once; what was trained since its last checkpoint is lost.

    Returns:
        Whether there was a process to ask.

    Raises:
        GraphError: It runs on another machine, or belongs to another user.
    """
    status = read_status(path)
    if status is None or not status.active:
        return False
    where = Where(file=str(path))
    if status.host != socket.gethostname():
        text = f"it runs on {status.host}: send SIGTERM to its process {status.pid} there"
        raise GraphError(Problem("run-elsewhere", where, text))
    try:
        os.kill(status.pid, getattr(signal, "SIGKILL", signal.SIGTERM) if kill else signal.SIGTERM)
    except ProcessLookupError:
        return False
    except PermissionError:
        text = f"its process {status.pid} belongs to another user"
        raise GraphError(Problem("run-elsewhere", where, text)) from None
    return True


def process_start(pid: int) -> str:
    """When a process started, as a text that no other process of this number shares; empty where it cannot be found.

    On Linux the boot and the ticks since it (proc(5), field 22 of ``stat``), elsewhere what ``ps`` says.
    """
    if platform.system() == "Linux":
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return ""
        state, *rest = text.rpartition(")")[2].split()
        return "" if state in "ZX" else f"{boot}:{rest[18]}"
    if platform.system() == "Windows":
        return ""
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def _is_alive(status: Status) -> bool:
    if status.host != socket.gethostname():
        return time.time() - status.heartbeat < _SILENT
    if status.started:
        return process_start(status.pid) == status.started
    return time.time() - status.heartbeat < _SILENT


def _text(status: Status) -> bytes:
    return (json.dumps(status.to_json(), indent=2) + "\n").encode()
