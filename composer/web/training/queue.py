"""Starts trainings, a few at once; the others wait in a queue of files, which outlives the server.

What waits has its name in ``runs/.queue``. Any server of the workspace takes the first one when there is room, under a
lock, so that two servers never start the same one. A training is a process of its own session: it needs neither the
page nor the server from then on.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import composer
from composer.problems import GraphError, Problem, Where, byte_text
from composer.training.runs.folder import OUTPUT, RECIPE, STATUS
from composer.training.runs.status import process_start, read_status, stop_run
from composer.web.runs.memory import free_bytes, whole_bytes
from composer.web.training.forecasts import Needs
from composer.web.training.places import Places
from composer.web.training.requests import Request, read_request, write_request

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["LEAST_DISK", "Queue", "is_active"]

LEAST_DISK = 512 * 2**20
"""Free bytes of the disk without which no training starts."""

LEAST_MEMORY = 512 * 2**20
"""Free bytes of memory without which what waits goes on waiting."""

_QUEUE = ".queue"
_TICK = 1.0
_MOST = 200
"""Trainings that wait, at most."""


class Queue:
    """The trainings of a workspace that run or wait.

    Args:
        places: Where they are.
        folders: Folders of components to enable in them.
        at_once: How many run at the same time.
        least_disk: Free bytes of the disk without which none starts.
        least_memory: Free bytes of memory without which what waits goes on waiting.
    """

    def __init__(
        self,
        places: Places,
        folders: Sequence[Path] = (),
        *,
        at_once: int = 1,
        least_disk: int = LEAST_DISK,
        least_memory: int = LEAST_MEMORY,
    ) -> None:
        self.places = places
        self.folders = tuple(folders)
        self.at_once = at_once
        self.least_disk = least_disk
        self.least_memory = least_memory
        self._children: list[subprocess.Popen[bytes]] = []
        self._ended = threading.Event()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="trainings", daemon=True)

    def open(self) -> None:
        """Start what waits, now and whenever there is room."""
        self._thread.start()

    def close(self) -> None:
        """Start nothing any more; what runs goes on."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def submit(self, name: str, request: Request) -> None:
        """Let a run wait for its turn, or start it at once where there is room.

        Args:
            name: The run, whose folder is there.
            request: What is wanted.

        Raises:
            GraphError: The run cannot be written, or too many wait.
        """
        if len(self.waiting()) >= _MOST:
            raise GraphError(Problem("run-busy", Where(name), f"{_MOST} trainings wait already: take some out first"))
        try:
            write_request(self.places.existing(name), request)
            self._marks.mkdir(exist_ok=True)
            (self._marks / name).touch()
        except OSError as error:
            text = f"the run cannot be written: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(name), text)) from None
        self.tick()

    def refuse_full(self, needs: Needs | None = None) -> None:
        """Refuse a training for which the disk has no room, or the machine too little memory in all.

        Args:
            needs: What its check counted.

        Raises:
            GraphError: So it is; carries both.
        """
        needs = needs or Needs()
        problems = [needs.memory_problem(whole_bytes(), self.least_memory)]
        free, wanted = self.free_disk(), max(self.least_disk, needs.disk)
        if free < wanted:
            text = f"the disk has {byte_text(free)} free, and "
            if needs.disk > self.least_disk:
                text += f"the check counted {byte_text(needs.disk)} for {needs.keep} checkpoints and the weights: "
                text += "lower checkpoints.keep, or delete runs that are not needed"
            else:
                text += f"a training starts with {byte_text(self.least_disk)} at least: "
                text += "delete runs that are not needed"
            problems.append(Problem("cannot-write", Where(str(self.places.runs)), text))
        found = [problem for problem in problems if problem is not None]
        if found:
            raise GraphError(found)

    def free_disk(self) -> int:
        """Free bytes of the disk that runs are on."""
        place = next((path for path in (self.places.runs, *self.places.runs.parents) if path.is_dir()), Path.cwd())
        return shutil.disk_usage(place).free

    def waiting(self) -> list[str]:
        """The names of the runs that wait, the first one first."""
        try:
            names = os.listdir(self._marks)
        except OSError:
            return []
        found = []
        for name in names:
            with suppress(GraphError):
                request = read_request(self.places.run(name))
                if request is not None and request.waits:
                    found.append((request.at, name))
        return [name for _, name in sorted(found)]

    def withdraw(self, name: str) -> bool:
        """Take a run out of the queue; whether it was there."""
        with self._locked(wait=True):
            mark = self._marks / name
            waits = name in self.waiting()
            mark.unlink(missing_ok=True)
            return waits

    def stop(self, name: str, *, kill: bool = False) -> bool:
        """Ask the process of a run to save and exit, or end it at once with all that it started.

        Args:
            name: The run.
            kill: End it at once.

        Returns:
            Whether there was a process to ask.

        Raises:
            GraphError: It runs on another machine, or belongs to another user.
        """
        folder = self.places.existing(name)
        request, status = read_request(folder), read_status(folder / STATUS)
        if status is not None and status.active:
            if status.host == socket.gethostname() and process_start(status.pid) != status.started:
                return False  # the file names a process that is none of ours
            held = request is not None and request.pid == status.pid
            noted = request if held and request is not None else Request("begin", status.begun, True, status.pid)
            with suppress(OSError):  # a full disk is no reason not to stop
                write_request(folder, noted.taken_by(status.pid).stopping())
            asked = stop_run(folder / STATUS, kill=kill)
            if kill and asked:
                _end(status.pid)
            return asked
        if request is None or not request.is_alive():
            return False
        with suppress(OSError):
            write_request(folder, request.stopping())
        _end(request.pid)  # it has not begun to train: there is nothing to save
        return True

    def tick(self) -> None:
        """Start what has its turn."""
        with self._turn:
            self._children = [child for child in self._children if child.poll() is None]
        if not self.waiting():
            return
        with self._locked() as mine:
            if not mine:
                return
            for name in self.waiting():
                if self._running() >= self.at_once or self.shortage(read_request(self.places.run(name))):
                    return
                self._start(name)

    def shortage(self, request: Request | None = None) -> str:
        """What there is too little of to start a training; empty where there is enough.

        Args:
            request: The wish for it, with what its check counted.
        """
        needs = Needs() if request is None else request.needs
        free = free_bytes()
        if free is not None and free < self.least_memory + needs.memory:
            text = f"waits for memory: {byte_text(free)} are free"
            if not needs.memory:
                return text
            needed = (
                f"{byte_text(needs.memory)} at the peak by its check and {byte_text(self.least_memory)} for its process"
            )
            return f"{text}, and it takes {needed}. To start now, take it out of the queue and {needs.advice}"
        free = self.free_disk()
        if free >= max(self.least_disk, needs.disk):
            return ""
        text = f"waits for room on the disk: {byte_text(free)} are free"
        return f"{text}, and its checkpoints take {byte_text(needs.disk)}" if needs.disk > self.least_disk else text

    def _running(self) -> int:
        waiting = set(self.waiting())
        return sum(is_active(self.places.runs / name) for name in self.places.names() if name not in waiting)

    def _start(self, name: str) -> None:
        folder = self.places.run(name)
        request = read_request(folder)
        if request is None:
            return
        allowed = [str(place.resolve()) for place in (self.places.workspace, *self.folders)]
        command = [sys.executable, "-m", "composer.web.confined", *allowed, "--", "train"]
        for place in self.folders:
            command += ["--catalog", str(place.resolve())]
        if request.kind == "resume":
            command += ["--resume", str(folder)]
        else:
            command += [str(folder / RECIPE), "--out", str(folder), *(["--fix"] if request.fix else [])]
        try:
            with open(folder / OUTPUT, "ab") as output:
                child = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            with self._turn:
                self._children.append(child)
            write_request(folder, request.taken_by(child.pid))
        except OSError:
            return  # it keeps waiting: the disk is full, or there is no process to be had
        (self._marks / name).unlink(missing_ok=True)

    def _work(self) -> None:
        while not self._ended.wait(_TICK):
            with suppress(OSError, GraphError):
                self.tick()

    @property
    def _marks(self) -> Path:
        return self.places.runs / _QUEUE

    @contextmanager
    def _locked(self, *, wait: bool = False) -> Iterator[bool]:
        """Hold the queue against other servers; whether it is held."""
        self.places.runs.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.places.runs / ".queue.lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            yield _hold(descriptor, wait)
        finally:
            os.close(descriptor)


def is_active(folder: Path) -> bool:
    """Whether a process trains the run in a folder, or was started to."""
    status = read_status(folder / STATUS)
    if status is not None and status.active:
        return True
    request = read_request(folder)
    return request is not None and request.is_alive()


def _hold(descriptor: int, wait: bool) -> bool:
    until = time.monotonic() + (5.0 if wait else 0.0)
    while True:
        try:
            if sys.platform == "win32":
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)
        else:
            return True


def _end(pid: int) -> None:
    """Kill a process that leads a session of its own, with the workers that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg") and os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _environment() -> dict[str, str]:
    """The server's, in which ``composer`` is found from any folder."""
    root = str(Path(composer.__file__).parents[1])
    known = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(part for part in (root, known) if part)
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
