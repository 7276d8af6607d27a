"""Runs jobs in processes of their own, a few at once; the others wait their turn."""

import multiprocessing
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection as connections
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from composer.catalog import Catalog
from composer.web.runs.child import work
from composer.web.runs.failures import died, stopped, timed_out, too_many
from composer.web.runs.jobs import Job
from composer.web.runs.memory import free_bytes
from composer.web.runs.messages import Done, Failed, Progress, Waiting, parsed
from composer.web.runs.setup_job import SetupJob

__all__ = ["Runner"]

Message = Waiting | Progress | Done | Failed

_TICK = 0.1
_LONGEST_MESSAGE = 256 * 2**20
_SHARE = 0.8
_LEAST = 256 * 2**20


@dataclass(eq=False)
class _Ticket:
    """A job's place among the others."""

    owner: str | None
    stopped: bool = False
    process: ForkServerProcess | None = None
    last: Progress = field(default_factory=lambda: Progress(doing="Starting"))


class Runner:
    """Runs jobs, each in a process forked from one that has torch and the components imported and has run nothing.

    Args:
        folders: Folders of a user's components.
        at_once: How many jobs run at the same time.
        waiting: How many may wait.
        seconds: How long a job may take.
        memory: How many bytes a job may take; it never gets more than most of what is free.
        preload: Modules beside the components that are imported before a worker is forked.
    """

    def __init__(
        self,
        folders: Sequence[Path] = (),
        *,
        at_once: int = 2,
        waiting: int = 8,
        seconds: float = 300,
        memory: int | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        self.folders = tuple(folders)
        self.at_once = at_once
        self.waiting = waiting
        self.seconds = seconds
        self.memory = memory
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([*_preloaded(Catalog.default()), *preload])
        self._tickets: list[_Ticket] = []
        self._changed = threading.Condition()

    def warm_up(self) -> None:
        """Start the process that workers are forked from; nobody has to wait the seconds that its imports take."""
        forkserver.ensure_running()

    def run(self, job: Job | SetupJob, owner: str | None = None, *, seconds: float | None = None) -> Iterator[Message]:
        """Do a job and report progress; the last event is ``Done`` or ``Failed``.

        Leaving the iterator ends the job.

        Args:
            job: The job.
            owner: Whose it is, for ``stop``; a new job of the same owner ends the one before.
            seconds: How long it may take, where that is less than any job may.
        """
        if owner is not None:
            self.stop(owner)
        ticket = self._enter(owner)
        if ticket is None:
            yield too_many(self.waiting)
            return
        try:
            yield from self._wait(ticket)
            yield from self._follow(ticket, job, min(self.seconds, seconds or self.seconds))
        finally:
            self._leave(ticket)

    def stop(self, owner: str) -> None:
        """End the jobs of an owner."""
        with self._changed:
            for ticket in self._tickets:
                if ticket.owner == owner:
                    ticket.stopped = True
                    _kill(ticket)
            self._changed.notify_all()

    def close(self) -> None:
        """End all jobs."""
        with self._changed:
            for ticket in self._tickets:
                ticket.stopped = True
                _kill(ticket)
            self._changed.notify_all()

    def __enter__(self) -> "Runner":
        self.warm_up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _enter(self, owner: str | None) -> _Ticket | None:
        with self._changed:
            if len(self._tickets) >= self.at_once + self.waiting:
                return None
            ticket = _Ticket(owner)
            self._tickets.append(ticket)
            return ticket

    def _leave(self, ticket: _Ticket) -> None:
        _kill(ticket)
        with self._changed:
            self._tickets.remove(ticket)
            self._changed.notify_all()

    def _wait(self, ticket: _Ticket) -> Iterator[Waiting]:
        reported = 0
        while not ticket.stopped:
            with self._changed:
                place = self._tickets.index(ticket) - self.at_once + 1
                if place > 0 and place == reported:
                    self._changed.wait(1)
                    continue
            if place <= 0:
                return
            reported = place
            yield Waiting(place=place)

    def _follow(self, ticket: _Ticket, job: Job | SetupJob, seconds: float) -> Iterator[Message]:
        ours, theirs = self._context.Pipe()
        with ours:
            with theirs:
                process = self._context.Process(
                    target=work, args=(theirs, job, self.folders, self._allowed()), daemon=True
                )
                with self._changed:
                    if ticket.stopped:
                        yield stopped(None)
                        return
                    process.start()
                    ticket.process = process
            end: Message | None = None
            for event in self._heard(ticket, ours, seconds):
                yield event
                end = event
        if not isinstance(end, Done | Failed):
            yield self._unfinished(ticket, process)

    def _heard(self, ticket: _Ticket, ours: Any, seconds: float) -> Iterator[Message]:
        """What a worker says; of its steps the last one now and then."""
        deadline, reported, unsaid = time.monotonic() + seconds, 0.0, False
        while time.monotonic() < deadline:
            if unsaid and time.monotonic() - reported >= _TICK:
                reported, unsaid = time.monotonic(), False
                yield ticket.last
            if not connections.wait([ours], _TICK):
                continue
            try:
                event = parsed(ours.recv_bytes(_LONGEST_MESSAGE))
            except (EOFError, OSError, ValidationError):
                return
            if isinstance(event, Progress):
                ticket.last, unsaid = event, True
            else:
                yield event
                return
        yield timed_out(seconds, ticket.last.node, ticket.last.doing)

    def _unfinished(self, ticket: _Ticket, process: ForkServerProcess) -> Failed:
        process.join(2)
        if ticket.stopped:
            return stopped(ticket.last.node)
        return died(process.exitcode, ticket.last.node, ticket.last.doing)

    def _allowed(self) -> int | None:
        free = free_bytes()
        if free is None:
            return self.memory
        most = max(int(free * _SHARE), _LEAST)
        return most if self.memory is None else min(most, self.memory)


def _kill(ticket: _Ticket) -> None:
    process = ticket.process
    if process is not None:
        with suppress(ValueError, OSError):
            process.kill()


def _preloaded(catalog: Catalog) -> list[str]:
    """Modules that are imported before a worker is forked.

    The program itself, the worker, the components, and what torch imports when a meta tensor is first computed with
    (which takes longer than most runs).
    """
    components: Iterable[str] = (component.cls.__module__ for component in catalog)
    return ["__main__", work.__module__, "torch._dynamo", *sorted(set(components))]
