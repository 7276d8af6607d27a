"""What a page asked of a run, as a small file in the run's folder: it outlives the page and the server."""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from composer.graph.file import atomic_write
from composer.training.runs.folder import REQUEST
from composer.training.runs.status import process_start
from composer.web.training.forecasts import Needs

__all__ = ["Request", "output_tail", "read_request", "write_request"]


@dataclass(frozen=True, slots=True)
class Request:
    """A wish that a process trains a run.

    Args:
        kind: Whether the run begins or goes on.
        at: When it was asked for, in seconds since 1970.
        fix: Whether the graph is changed as the data needs it.
        pid: The process that was started for it; 0 while it waits.
        started: When that process started (``composer.training.runs.status.process_start``).
        host: The machine of the process.
        stopped: When somebody asked it to stop; 0 where nobody did.
        needs: What it takes, by its check.
    """

    kind: Literal["begin", "resume"]
    at: float
    fix: bool = True
    pid: int = 0
    started: str = ""
    host: str = ""
    stopped: float = 0.0
    needs: Needs = field(default_factory=Needs)

    @property
    def waits(self) -> bool:
        """Whether no process was started for it yet."""
        return self.pid == 0

    def taken_by(self, pid: int) -> "Request":
        """The same, with the process that was started for it."""
        return replace(self, pid=pid, started=process_start(pid), host=socket.gethostname())

    def stopping(self) -> "Request":
        """The same, with the wish to stop."""
        return replace(self, stopped=time.time())

    def is_alive(self) -> bool:
        """Whether its process is there; one of another machine is taken to be."""
        if self.waits:
            return False
        return self.host != socket.gethostname() or (self.started != "" and process_start(self.pid) == self.started)


def read_request(folder: Path) -> Request | None:
    """What was asked of a run; None where nothing was, or the file is damaged."""
    found: Any = None
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads((folder / REQUEST).read_bytes())
    if not isinstance(found, dict) or found.get("kind") not in ("begin", "resume"):
        return None
    kinds: dict[str, Any] = {
        "at": (int, float),
        "fix": bool,
        "pid": int,
        "started": str,
        "host": str,
        "stopped": (int, float),
    }
    if any(not isinstance(found.get(key), kind) for key, kind in kinds.items()):
        return None
    counted = found.get("needs")
    named = {name.name: counted.get(name.name) for name in fields(Needs)} if isinstance(counted, dict) else {}
    needs = Needs(**{name: value for name, value in named.items() if type(value) is int})
    return Request(found["kind"], **{key: found[key] for key in kinds}, needs=needs)


def write_request(folder: Path, request: Request) -> None:
    """Write what is asked, in place of what was.

    Raises:
        OSError: It cannot be written.
    """
    atomic_write(folder / REQUEST, (json.dumps(asdict(request)) + "\n").encode())


def output_tail(path: Path, size: int = 16 * 1024) -> list[str]:
    """The last lines of what a process printed; carriage returns and control characters are left out."""
    try:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - size))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = text.splitlines()[1 if end > size else 0 :]
    return ["".join(char for char in line if char.isprintable() or char == "\t") for line in lines]
