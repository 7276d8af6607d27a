"""What can go wrong with a run beside the graph, in words."""

import re
import signal

import torch

from composer.catalog.origin import placed
from composer.export.exported import cause_of
from composer.problems import GraphError, Problem, Severity, Where, byte_text
from composer.web.runs.messages import Failed
from composer.web.views.problem_views import problem_view

__all__ = ["died", "failure_of", "no_device", "out_of_memory", "stopped", "timed_out", "too_many"]

_NO_MEMORY = re.compile(r"can't allocate memory|cannot allocate memory|bad_alloc|out of memory|not enough memory", re.I)


def failure_of(error: BaseException, node: str | None, doing: str, allowed: int | None) -> Failed:
    """What an exception in a worker means.

    Args:
        error: The exception.
        node: The node that ran.
        doing: What it did, where no node ran.
        allowed: How many bytes it could take.
    """
    if isinstance(error, GraphError):
        return Failed(problems=[problem_view(problem) for problem in error.problems])
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or _NO_MEMORY.search(str(error)):
        return out_of_memory(node, doing, allowed)
    text = placed(f"{node or doing} failed: {cause_of(error)}", error)
    return _failed("run-failed", text, node)


def out_of_memory(node: str | None, doing: str, allowed: int | None, needs: int | None = None) -> Failed:
    """A run that needs more memory than it may take."""
    least = f" (at least {byte_text(needs)} are needed)" if needs else ""
    most = f"it may take {byte_text(allowed)} now" if allowed else "there is no more"
    where = node or doing[:1].lower() + doing[1:]
    text = f"memory ran out in {where}{least}: {most}; use a smaller image or batch, or a smaller model"
    return _failed("out-of-memory", text, node)


def died(status: int | None, node: str | None, doing: str) -> Failed:
    """A worker that ended without a word."""
    where = node or doing[:1].lower() + doing[1:]
    why = f"it ended with code {status}"
    if status is not None and status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        why = f"the system ended it ({name})"
        if -status == signal.SIGKILL:
            why += ", which it does where memory runs out"
    text = f"the process that ran the model died in {where}: {why}. The graph and the page are as they were"
    return _failed("worker-died", text, node)


def timed_out(seconds: float, node: str | None, doing: str) -> Failed:
    """A run that took too long."""
    text = f"it was stopped after {seconds:.0f} s, in {node or doing[:1].lower() + doing[1:]}"
    return _failed("timed-out", text, node)


def stopped(node: str | None) -> Failed:
    """A run that a person stopped."""
    text = f"stopped in {node}" if node else "stopped"
    return _failed("stopped", text, node, severity="warning")


def too_many(waiting: int) -> Failed:
    """A run that was not taken."""
    text = f"{waiting} runs are waiting already; try again in a while"
    return _failed("too-many-runs", text, None)


def no_device(device: str) -> Failed:
    """A device that is not there."""
    return Failed(problems=[problem_view(Problem("no-device", Where(device), "there is no such device here"))])


def _failed(code: str, text: str, node: str | None, severity: Severity = "error") -> Failed:
    return Failed(problems=[problem_view(Problem(code, Where(node or "", node=node), text, severity=severity))])
