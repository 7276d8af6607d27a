"""A side of a comparison in a process of its own: does a piece of work for each line that comes in, and answers.

Imports nothing but torch, so that any environment with torch can run it.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self, TextIO

import torch

__all__ = ["Side", "Turns", "in_turns", "median", "ratios", "serve", "take_stdout"]


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
    def running(
        cls,
        python: str,
        module: str,
        *arguments: str,
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Iterator[Self]:
        """Start ``python -m module`` with these arguments, in this folder; it ends with the block."""
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [python, "-W", "ignore", "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": str(threads), **(environment or {})},
                cwd=folder,
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


def in_turns(sides: Sequence[Side], work: str, rounds: int) -> list[list[dict[str, Any]]]:
    """The answers of each side, round by round, after one that does not count; another side begins each round."""
    for side in sides:
        side.ask(work)
    found: list[list[dict[str, Any]]] = [[] for _ in sides]
    for number in range(rounds):
        for place in range(len(sides)):
            turn = (place + number) % len(sides)
            found[turn].append(sides[turn].ask(work))
    return found


def median(answers: Sequence[Mapping[str, Any]], figure: str) -> float:
    """The middle one of a figure."""
    return statistics.median(one[figure] for one in answers)


def ratios(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], figure: str) -> str:
    """The median of the ratios round by round, and the least and the greatest."""
    found = sorted(mine[figure] / other[figure] for mine, other in zip(ours, theirs, strict=True))
    return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"


def take_stdout() -> TextIO:
    """The standard output for answers alone; what anything else prints there goes to the errors from now on."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def serve(works: Mapping[str, Callable[[], Any]], answers: TextIO | None = None) -> None:
    """Answer every line of the standard input, which names one of the works.

    Args:
        works: What can be done, by name.
        answers: What ``take_stdout`` gave, where something may have been printed before.
    """
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    answers = answers or take_stdout()
    for line in sys.stdin:
        start, busy = time.perf_counter(), time.process_time()
        found = works[line.strip()]()
        taken = {"seconds": time.perf_counter() - start, "busy": time.process_time() - busy}
        print(json.dumps({**taken, "found": found}), file=answers, flush=True)


class Turns:
    """The other way round: a program that goes on by itself waits for each turn, and reports when it is over.

    What is printed from here on goes to the errors.
    """

    def __init__(self) -> None:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self._answers = take_stdout()
        self._start = self._busy = 0.0

    def begin(self) -> bool:
        """Wait for the next line of the standard input; False where there is none any more."""
        line = sys.stdin.readline()
        self._start, self._busy = time.perf_counter(), time.process_time()
        return bool(line)

    def done(self, found: Any) -> None:
        """Answer it."""
        taken = {"seconds": time.perf_counter() - self._start, "busy": time.process_time() - self._busy}
        print(json.dumps({**taken, "found": found}), file=self._answers, flush=True)
