"""The runs of a workspace as a page sees them: what they do, their curves, and what can be done with them."""

import math
import os
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Self

from composer.problems import GraphError, Problem, Where
from composer.training import checkpoints
from composer.training.runs.curves import Curve
from composer.training.runs.folder import OUTPUT, STATUS, RunFolder
from composer.training.runs.status import Status, read_status
from composer.web.training.forecasts import Needs
from composer.web.training.payloads import (
    TrainCurve,
    TrainHave,
    TrainLeft,
    TrainNameRequest,
    TrainRow,
    TrainRunRequest,
    TrainRunsRequest,
    TrainRunsView,
    TrainRunView,
    TrainStartReply,
    TrainState,
    TrainStopRequest,
)
from composer.web.training.places import Places
from composer.web.training.queue import Queue, is_active
from composer.web.training.requests import Request, output_tail, read_request
from composer.web.training.watch import Watch, Watches

__all__ = ["Runs"]

_SECONDS = 0.25
"""How long one answer reads logs, at most."""

_ENDING = 5.0
"""Seconds that a process has to end once its run has."""

_LINES = 200


class _Now(NamedTuple):
    """What the files of a run say at this moment."""

    status: Status | None
    request: Request | None

    @classmethod
    def of(cls, watch: Watch) -> Self:
        found = read_status(watch.folder / STATUS)
        if found is None and watch.events:
            found = Status("died", heartbeat=watch.last)
        if found is not None and found.state == "died":
            found = watch.run.read_status()  # with its last words
        return cls(found, read_request(watch.folder))


class Runs:
    """Answers about runs.

    Args:
        places: Where they are.
        queue: Starts and stops them.
    """

    def __init__(self, places: Places, queue: Queue) -> None:
        self.places = places
        self.queue = queue
        self.watches = Watches()

    def table(self, request: TrainRunsRequest) -> TrainRunsView:
        """All runs, the newest first, and one of them as it is now."""
        waiting = self.queue.waiting()
        until = time.monotonic() + _SECONDS
        rows = []
        for name in self.places.names():
            folder = self.places.runs / name
            watch = self.watches.of(folder)
            with watch.lock:
                complete = watch.refresh(max(0.0, until - time.monotonic()))
                row = self._row(name, watch, _Now.of(watch), waiting, complete)
            if row is not None:
                rows.append(row)
        rows.sort(key=lambda row: (row.state != "queued", row.began if row.state != "queued" else -row.position))
        rows.reverse()
        run = None
        if request.look is not None and rows:
            name = request.look if any(row.name == request.look for row in rows) else rows[0].name
            with suppress(GraphError):  # it was deleted in this moment
                run = self.look(TrainRunRequest(name=name))
        return TrainRunsView(rows=rows, at_once=self.queue.at_once, free=self.queue.free_disk(), run=run)

    def look(self, request: TrainRunRequest) -> TrainRunView:
        """A run as it is now.

        Raises:
            GraphError: There is no such run.
        """
        folder = self.places.existing(request.name)
        watch = self.watches.of(folder)
        with watch.lock:
            complete = watch.refresh(_SECONDS)
            now = _Now.of(watch)
            row = self._row(request.name, watch, now, self.queue.waiting(), complete)
            if row is None:
                raise GraphError(Problem("no-run", Where(request.name), "this folder holds no run"))
            return self._view(watch, now, row, request)

    def stop(self, request: TrainStopRequest) -> TrainStartReply:
        """Take a run out of the queue, let it save and exit, or kill it.

        Raises:
            GraphError: There is no such run, or it is out of reach.
        """
        folder = self.places.existing(request.name)
        if self.queue.withdraw(request.name):
            if not (folder / STATUS).is_file():
                shutil.rmtree(folder, ignore_errors=True)
                self.watches.forget(folder)
        elif not self.queue.stop(request.name, kill=request.kill):
            raise GraphError(Problem("no-run", Where(request.name), "it does not run any more"))
        return TrainStartReply(name=request.name)

    def resume(self, request: TrainNameRequest) -> TrainStartReply:
        """Let a run go on, exactly where its newest checkpoint is.

        Raises:
            GraphError: It cannot.
        """
        folder = self.places.existing(request.name)
        watch = self.watches.of(folder)
        with watch.lock:
            watch.refresh(_SECONDS)
            why = _not_resumable(folder, _Now.of(watch))
        if why:
            raise GraphError(Problem("bad-checkpoint", Where(request.name), why))
        until = time.monotonic() + _ENDING
        while is_active(folder) and time.monotonic() < until:  # it has ended, and its process is about to
            time.sleep(0.05)
        self.queue.refuse_full()
        before = read_request(folder)
        needs = Needs() if before is None else replace(before.needs, disk=0)  # most of its files are there already
        self.queue.submit(request.name, Request("resume", time.time(), needs=needs))
        return TrainStartReply(name=request.name)

    def delete(self, request: TrainNameRequest) -> TrainStartReply:
        """Delete a run that does not run, with all its files.

        Raises:
            GraphError: It runs, or its files cannot be deleted.
        """
        folder = self.places.existing(request.name)
        if is_active(folder):
            raise GraphError(Problem("run-busy", Where(request.name), "it runs: stop it first"))
        self.queue.withdraw(request.name)
        self.watches.forget(folder)
        try:
            shutil.rmtree(folder)
        except OSError as error:
            text = f"it cannot be deleted: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(request.name), text)) from None
        return TrainStartReply(name=request.name)

    def _row(self, name: str, watch: Watch, now: _Now, waiting: list[str], complete: bool) -> TrainRow | None:
        """A run in the table; None for a folder that is none."""
        status, request = now.status, now.request
        state, message = _state(watch.folder, request, status, name in waiting)
        if state == "queued":
            message = self.queue.shortage(request) or message
        if state is None:
            return None
        if complete and (status is None or not status.active):  # one that trains keeps its history itself
            watch.keep()
        metric, _ = watch.metric
        best, best_step = watch.best or (math.nan, 0)
        began = watch.began or (status.begun if status is not None else 0.0) or (request.at if request else 0.0)
        return TrainRow(
            name=name,
            graph=watch.graph,
            recipe=watch.recipe,
            state=state,
            message=message[:2000],
            position=waiting.index(name) + 1 if name in waiting else 0,
            step=max(watch.step, status.step if status is not None and status.active else 0),
            steps=watch.steps or (status.steps if status is not None else 0),
            metric=metric,
            best=_finite(best),
            best_step=best_step,
            seconds=watch.seconds,
            began=began,
            complete=complete,
        )

    def _view(self, watch: Watch, now: _Now, row: TrainRow, request: TrainRunRequest) -> TrainRunView:
        folder, status = watch.folder, now.status
        active = row.state in ("starting", "running", "stopping")
        trains = active and row.state != "starting"  # until its first step there is only what was before it stopped
        left = watch.pace.left(row.step, row.steps) if trains else None
        newest = RunFolder(folder).last_checkpoint()
        _, lower = watch.metric
        epoch, rate = (watch.curves.get(name) for name in ("epoch", "rate"))
        return TrainRunView(
            row=row,
            epoch=0.0 if epoch is None else epoch.last,
            rate=_finite(rate.last) if rate is not None and row.state != "starting" else None,
            memory=_memory(status, watch) if status is not None and active else None,
            forecast=watch.forecast if active else None,
            left=None if left is None else TrainLeft(seconds=left.seconds, least=left.least, most=left.most),
            metrics={name: _finite(value) for name, value in watch.metrics.items()},
            lower=lower,
            checkpoint="" if newest is None else newest.name,
            resumable=_not_resumable(folder, now),
            weights=(folder / "best.safetensors").is_file(),
            output=output_tail(folder / OUTPUT)[-_LINES:],
            samples=_sample_steps(folder),
            read=watch.read,
            heartbeat=max(0.0, time.time() - status.heartbeat) if status is not None and status.active else None,
            curves={
                name: _curve(curve, watch.mark(name), request.have.get(name))
                for name, curve in watch.curves.items()
                if name != "epoch"
            },
        )


def _not_resumable(folder: Path, now: _Now) -> str:
    """Why a run cannot go on exactly; empty where it can."""
    status, request = now.status, now.request
    begun = request is not None and status is not None and status.begun >= request.at
    asked = request is not None and not begun and (request.waits or request.is_alive())
    if asked or (status is not None and status.active):
        return "it runs or waits already"
    if status is None:
        return "it never began: start it anew"
    if status.state == "finished":
        return "it is finished: start a new run to train longer"
    if checkpoints.newest(folder / "checkpoints") is None:
        return "no checkpoint was written before it ended: start it anew"
    try:
        RunFolder.open(folder).refuse_changes()
    except GraphError as error:
        return error.problems[0].message
    return ""


def _state(folder: Path, request: Request | None, status: Status | None, waits: bool) -> tuple[TrainState | None, str]:
    """What a run does, with its last words; None where the folder holds no run."""
    if waits:
        return "queued", "waits for its turn"
    if status is not None and status.active:
        if request is not None and request.stopped and request.pid == status.pid:
            return "stopping", "saves and exits after this step"
        return status.state, status.message
    later = request is not None and (status is None or status.begun < request.at)
    if request is not None and later and request.is_alive():
        return "starting", "reads the data and builds the model"
    if request is not None and later and not request.waits:
        if request.stopped:
            return "stopped", "it was stopped before its first step"
        return "failed", _last_words(folder)
    if status is not None and status.state == "died" and request is not None and request.stopped:
        return "stopped", "it was killed before it had saved; what it learned since its last checkpoint is lost"
    if status is not None:
        return status.state, status.message
    return (None, "") if request is None else ("stopped", "it was taken out of the queue")


def _last_words(folder: Path) -> str:
    """What a process printed that ended before it trained: the problems it found."""
    lines = [line for line in output_tail(folder / OUTPUT, 4096) if line.strip()]
    return "\n".join(lines[-8:]) or "its process ended before it trained, without a word"


def _curve(curve: Curve, mark: str, have: TrainHave | None) -> TrainCurve:
    """The part of a curve that a page does not have; its last point may have changed."""
    first = max(0, have.points - 1) if have is not None and have.mark == mark else 0
    points = curve.points[first:]
    return TrainCurve(
        mark=mark,
        first=min(first, len(curve.points)),
        step=[point.last for point in points],
        mean=[_finite(point.mean) for point in points],
        low=[_finite(point.low) for point in points],
        high=[_finite(point.high) for point in points],
        broken=[point.broken for point in points],
        last=_finite(curve.last),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _memory(status: Status, watch: Watch) -> int | None:
    """Bytes that a training has: what its log says of an accelerator, or of its process."""
    logged = watch.curves["memory"].last if "memory" in watch.curves else math.nan
    if math.isfinite(logged):
        return int(logged)
    try:
        pages = int(Path(f"/proc/{status.pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _sample_steps(folder: Path) -> list[int]:
    try:
        names = sorted(path.name for path in (folder / "samples").iterdir())
    except OSError:
        return []
    return [int(name[5:]) for name in names if name.startswith("step-") and name[5:].isdecimal()]
