"""A side of a comparison in a process of its own: does a piece of work for each line that comes in, and answers.

Imports nothing but torch, so that any environment with torch can run it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Self

import torch

__all__ = ["Side", "serve"]


class Side:
    """The process, as the one that asks sees it.

    Args:
        process: The process.
        errors: What it writes beside its answers.
    """

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str]) -> None:
        self.process = process
        self.errors = errors

    @classmethod
    @contextmanager
    def running(cls, python: str, module: str, *arguments: str, threads: int = 1) -> Iterator[Self]:
        """Start ``python -m module`` with these arguments; it ends with the block."""
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [python, "-W", "ignore", "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
            try:
                yield cls(process, errors)
            finally:
                process.communicate()

    def ask(self, work: str) -> dict[str, Any]:
        """Have a piece of work done; gives its ``seconds``, those of processors (``busy``), and what it ``found``."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(f"{work}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.errors.seek(0)
            raise RuntimeError(self.errors.read().strip().rpartition("\n")[2])
        answer: dict[str, Any] = json.loads(line)
        return answer


def serve(works: Mapping[str, Callable[[], Any]]) -> None:
    """Answer every line of the standard input, which names one of the works."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    # What is printed by others must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        start, busy = time.perf_counter(), time.process_time()
        found = works[line.strip()]()
        taken = {"seconds": time.perf_counter() - start, "busy": time.process_time() - busy}
        print(json.dumps({**taken, "found": found}), file=answers, flush=True)
