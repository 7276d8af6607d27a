"""Work that takes a while: started by one call, looked at by others, ended by a person or by its bounds."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from composer.web.runs import Done, Failed, Progress, Runner, Waiting
from composer.web.runs.setup_job import SetupJob
from composer.web.setup_payloads import SetupResult, TaskView

__all__ = ["Tasks"]

_KEPT = 40
"""Tasks that are remembered; the oldest that are over are forgotten."""
_STOPPED = "stopped"

OnDone = Callable[[SetupResult], None]


@dataclass(eq=False)
class _Task:
    view: TaskView
    began: float = field(default_factory=time.monotonic)


class Tasks:
    """Tasks by name, each in a process of its own.

    Args:
        runner: Runs them, a few at once.
    """

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.Lock()

    def start(
        self,
        job: SetupJob,
        done: OnDone | None = None,
        ended: Callable[[], None] | None = None,
        seconds: float | None = None,
    ) -> TaskView:
        """Start a job.

        Args:
            job: The job.
            done: Called with what it gave.
            ended: Called when it is over, whatever came of it.
            seconds: How long it may take; by default what the runner lets every job take.
        """
        task = _Task(TaskView(id=secrets.token_hex(12), state="waiting", doing="Starting"))
        with self._lock:
            over = [name for name, one in self._tasks.items() if one.view.state not in ("waiting", "working")]
            for name in over[: max(0, len(self._tasks) - _KEPT + 1)]:
                del self._tasks[name]
            self._tasks[task.view.id] = task
        threading.Thread(target=self._follow, args=(task, job, done, ended, seconds), daemon=True).start()
        return task.view

    def look(self, name: str) -> TaskView:
        """How a task goes."""
        with self._lock:
            task = self._tasks.get(name)
        return task.view if task is not None else TaskView(id=name, state="gone")

    def stop(self, name: str) -> TaskView:
        """End a task; its process is killed at once."""
        with self._lock:
            task = self._tasks.get(name)
            if task is not None and task.view.state in ("waiting", "working"):
                task.view = task.view.model_copy(update={"state": _STOPPED, "doing": ""})
        self.runner.stop(name)
        return self.look(name)

    def _follow(
        self,
        task: _Task,
        job: SetupJob,
        done: OnDone | None,
        ended: Callable[[], None] | None,
        seconds: float | None,
    ) -> None:
        last: dict[str, Any] = {"state": "failed", "doing": ""}
        try:
            for event in self.runner.run(job, owner=task.view.id, seconds=seconds):
                change = _change(task.view, event)
                if change["state"] in ("waiting", "working"):
                    self._tell(task, change)
                else:
                    if done is not None and "result" in change:
                        done(change["result"])
                    last = change
                if task.view.state == _STOPPED:
                    break
        finally:
            # a page that learns of the end finds nothing left to be done
            if ended is not None:
                ended()
            self._tell(task, last)

    def _tell(self, task: _Task, change: dict[str, Any]) -> None:
        with self._lock:
            if task.view.state != _STOPPED:
                task.view = task.view.model_copy(update=change)


def _change(view: TaskView, event: Waiting | Progress | Done | Failed) -> dict[str, Any]:
    """What an event makes of a task."""
    match event:
        case Waiting(place=place):
            return {"state": "waiting", "doing": f"Waiting: number {place} in the queue"}
        case Progress():
            return {
                "state": "working",
                "doing": event.doing,
                "done": event.done,
                "total": event.total,
                "findings": event.findings or view.findings,
            }
        case Done(result=result):
            return {"state": "done", "doing": "", "result": result}
        case Failed(problems=problems):
            stopped = any(problem.code == _STOPPED for problem in problems)
            return {"state": _STOPPED if stopped else "failed", "doing": "", "problems": problems}
