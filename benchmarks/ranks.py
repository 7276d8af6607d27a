"""A training of many processes that loses one and goes on with fewer: partition, checkpoint, restart.

    python -m benchmarks.ranks                      64 processes, of which one is killed; then 48
    python -m benchmarks.ranks --world 8 --then 6

All run on this machine, over gloo, with a tiny graph: it shows that the work is dealt out and taken up rightly, not how
fast that is. Every process notes which samples it trained on. ``tests/training/test_ranks.py`` does the same with less.
"""

import argparse
import json
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TextIO
from unittest import mock

import numpy as np
import torch
from safetensors.torch import load_file

from composer.graph import Graph
from composer.graph.file import loads
from composer.training import checkpoints
from composer.training.data.samples import ArraySource
from composer.training.engine import train
from composer.training.recipe import Recipe
from composer.training.runs.folder import RunFolder
from composer.training.step import Stepper

__all__ = ["Job", "largest_difference", "lose_one_and_go_on", "main", "samples_of_steps"]

GRAPH = """\
schema: 1
name: tiny
classes: [red, green, blue]
inputs:
  image: {type: Image, shape: [B, 3, 8, 8], preprocess: {channels: rgb, mean: [128, 128, 128], std: [64, 64, 64]}}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  pool: {type: AdaptiveAvgPool2d, inputs: {input: conv.out}}
  flat: {type: Flatten, inputs: {input: pool.out}}
  head: {type: Linear, params: {out_features: 3}, inputs: {input: flat.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
outputs:
  loss: {loss: loss.out}
"""
GRACE = 20.0
"""Seconds that processes have to see that another one is gone."""


@dataclass(frozen=True)
class Job:
    """A training that is the same whatever number of processes makes it.

    Args:
        batch: Samples of a step over all processes.
        steps: Steps of the training.
        epoch: Steps of an epoch.
        every: Steps between two checkpoints.
        lost: The step in which a process is killed.
        strategy: ``ddp`` or ``fsdp``.
    """

    batch: int = 192
    steps: int = 15
    epoch: int = 5
    every: int = 3
    lost: int = 7
    strategy: str = "ddp"

    @property
    def samples(self) -> int:
        """Samples of the data set."""
        return self.batch * self.epoch

    def graph(self) -> Graph:
        """A classifier without anything that depends on how samples are dealt out."""
        return loads(GRAPH)

    def recipe(self) -> Recipe:
        """How it is trained."""
        document = {
            "graph": "graph.yaml",
            "data": {"train": {"path": "images"}},
            "batches": {"batch": self.batch, "workers": 0},
            "optimizer": {"type": "AdamW", "lr": 0.01},
            "steps": self.steps,
            "checkpoints": {"every": f"{self.every} steps", "keep": 9},
            "distributed": {"strategy": self.strategy},
        }
        return Recipe.model_validate(document)

    def source(self) -> ArraySource:
        """Images whose class is their colour."""
        drawn, labels = np.random.default_rng(0), np.arange(self.samples) % 3
        images = drawn.integers(0, 80, (self.samples, 8, 8, 3)).astype(np.uint8)
        images[np.arange(self.samples), :, :, labels] += 120
        return ArraySource(images, labels, ["red", "green", "blue"])

    def run(self, out: Path, notes: Path, world: int, *, restart: int = 0, lost: int | None = None) -> list[int]:
        """Train as so many processes; where one of them dies the others are ended, as torchrun does.

        Args:
            out: The folder of the run.
            notes: A folder for what each process trained on.
            world: How many processes.
            restart: How often the training was started before.
            lost: The process that is killed in the middle.

        Returns:
            The exit codes by rank; negative where a signal ended it.
        """
        notes.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        context = get_context("fork")
        given = (out, notes, world, port, restart, lost)
        started = [context.Process(target=self._process, args=(rank, *given)) for rank in range(world)]
        for process in started:
            process.start()
        _wait(started)
        return [int(process.exitcode or 0) for process in started]

    def _process(
        self, rank: int, out: Path, notes: Path, world: int, port: int, restart: int, lost: int | None
    ) -> None:
        torch.set_num_threads(1)
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        os.environ["TORCHELASTIC_RESTART_COUNT"] = str(restart)
        with open(notes / f"{restart}-{rank}.txt", "w") as file, _noted(file, self.lost if rank == lost else None):
            try:
                train(self.recipe(), graph=self.graph(), source=self.source(), out=out, device="cpu")
            except Exception as error:  # noqa: BLE001 - what it was is what is looked at
                (notes / f"{restart}-{rank}.err").write_text(f"{error}\n{traceback.format_exc()}")
                os._exit(1)  # as the command does: at its ordinary end it would wait for the others


@contextmanager
def _noted(file: TextIO, lost: int | None) -> Iterator[None]:
    """Write down the samples of each step before it is made; in one step the process is killed instead."""
    make = Stepper.make

    def noting(self: Stepper, batch: Any, step: int, *more: Any, **options: Any) -> Any:
        if step == lost:
            os.kill(os.getpid(), signal.SIGKILL)
        print(json.dumps([step, batch.indices]), file=file, flush=True)
        return make(self, batch, step, *more, **options)

    with mock.patch.object(Stepper, "make", noting):
        yield


def _wait(started: list[BaseProcess]) -> None:
    """Until all have ended; once one has failed, the others have some time to see it."""
    failed: float | None = None
    while any(process.is_alive() for process in started):
        if failed is None and any(process.exitcode for process in started):
            failed = time.monotonic()
        if failed is not None and time.monotonic() - failed > GRACE:
            for process in started:
                process.kill()
        time.sleep(0.02)


def samples_of_steps(notes: Path, restart: int) -> Mapping[int, list[list[int]]]:
    """What was trained on in each step, by rank.

    Args:
        notes: The folder that ``Job.run`` was given.
        restart: Which start.
    """
    files = sorted(notes.glob(f"{restart}-*.txt"), key=lambda path: int(path.stem.partition("-")[2]))
    found: dict[int, list[list[int]]] = {}
    for path in files:
        for line in path.read_text().splitlines():
            step, indices = json.loads(line)
            found.setdefault(step, []).append(indices)
    return found


def largest_difference(one: Path, other: Path) -> float:
    """Between the last weights of two runs."""
    first, second = load_file(one / "last.safetensors"), load_file(other / "last.safetensors")
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def lose_one_and_go_on(job: Job, folder: Path, world: int, then: int) -> Iterator[str]:
    """Do it, and say what was seen.

    Args:
        job: What is trained.
        folder: Where all of it is written.
        world: Processes at first.
        then: Processes after one was lost.

    Raises:
        AssertionError: Something was not as it must be.
    """
    alone, run, notes = folder / "alone", folder / "run", folder / "notes"
    assert job.run(alone, folder / "notes-alone", 1) == [0], "one process alone does not train"
    order = {step: parts[0] for step, parts in samples_of_steps(folder / "notes-alone", 0).items()}

    begin = time.perf_counter()
    codes = job.run(run, notes, world, lost=world - 1)
    assert codes[-1] == -signal.SIGKILL and all(codes), f"found exit codes {codes}: {errors_in(notes)}"
    ended = Counter("by itself" if code > 0 else "killed" for code in codes[:-1])
    reported = [path for path in notes.glob("0-*.err") if "process-failed" in path.read_text()]
    seconds = time.perf_counter() - begin
    yield f"{world} processes, one killed before it made step {job.lost}: {seconds:.1f} s"
    yield f"of the others {ended['by itself']} ended by themselves, {len(reported)} said that a process is gone"
    before = samples_of_steps(notes, 0)
    assert_dealt_out(order, {step: parts for step, parts in before.items() if step < job.lost}, world)

    kept = checkpoints.newest(run / "checkpoints")
    assert kept is not None, "there is no checkpoint"
    step = int(kept[1]["step"])
    size = sum(path.stat().st_size for path in kept[0].rglob("*"))
    yield f"the newest checkpoint is whole: step {step}, of {kept[1]['world']} processes, {size / 2**10:.0f} KiB"
    assert step == job.lost // job.every * job.every and kept[1]["world"] == world

    begin = time.perf_counter()
    codes = job.run(run, notes, then, restart=1)
    assert codes == [0] * then, f"found exit codes {codes}: {errors_in(notes)}"
    after = samples_of_steps(notes, 1)
    assert sorted(after) == list(range(step, job.steps)), f"found the steps {sorted(after)}"
    assert_dealt_out(order, after, then)
    yield f"{then} processes went on from step {step} to {job.steps}: {time.perf_counter() - begin:.1f} s"

    used = {number: (before if number < step else after)[number] for number in range(job.steps)}
    for epoch in range(job.steps // job.epoch):
        seen = Counter(
            index
            for number in range(epoch * job.epoch, (epoch + 1) * job.epoch)
            for part in used[number]
            for index in part
        )
        assert seen == Counter(range(job.samples)), f"in epoch {epoch} not every sample was trained on once"
    yield f"{job.steps // job.epoch} epochs of {job.samples} samples: each sample once in each, on one process"
    notes_of_run = [event.values["message"] for event in RunFolder.open(run).read_events("note")]
    assert any(f"{world} processes wrote" in text for text in notes_of_run), "the log does not report the change"
    yield f"weights beside those of one process that was not interrupted: {largest_difference(run, alone):.1e} apart"


def errors_in(notes: Path) -> str:
    """What the first process that failed said."""
    return next((path.read_text() for path in sorted(notes.glob("*.err"))), "nothing was said")


def assert_dealt_out(order: Mapping[int, list[int]], steps: Mapping[int, list[list[int]]], world: int) -> None:
    """Each process has as many samples of each step, and all of them together those of one process."""
    for step, parts in steps.items():
        assert len(parts) == world, f"step {step} was made by {len(parts)} processes of {world}"
        assert len({len(part) for part in parts}) == 1, f"in step {step} some processes had more samples"
        together = sorted(index for part in parts for index in part)
        assert together == sorted(order[step]), f"step {step} has other samples than with one process"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=int, default=64)
    parser.add_argument("--then", type=int, default=48)
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--strategy", choices=("ddp", "fsdp"), default="ddp")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(batch=options.batch, strategy=options.strategy)
        for line in lose_one_and_go_on(job, Path(folder), options.world, options.then):
            print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
