"""One training step of self-supervised models beside mmpretrain's and mmselfsup's: time and memory.

    python -m benchmarks.selfsup                        MoCo v2, BYOL and MAE
    python -m benchmarks.selfsup mae --rounds 21

A step is a forward in loss mode with the update of the momentum copies, and a backward: 8 pictures of 224 pixels, on
the CPU. Each model lives in a process of its own, and they take turns step by step, in an order that changes from round
to round, so that a noisy machine weighs on all; the processor's own time leaves out what was spent waiting for it.
Memory is the most that a step took above the loaded model, in a process that gives back at once what it frees. The
packages come from an environment of their own, made at the first run (OPENMMLAB_PYTHON names another). Convolutional
models are measured once more with ``model.to(memory_format=torch.channels_last)``, as ``channels_last``.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import IO, Any

from benchmarks.openmmlab_environment import openmmlab_python
from benchmarks.training_step import BATCH

__all__ = ["main"]

OURS = "composer"
TURNED = "channels_last"
PACKAGES = ("mmpretrain", "mmselfsup")
MODELS = ("moco_v2", "byol", "mae")


class Steps:
    """A process that takes a training step when asked."""

    def __init__(self, package: str, model: str, threads: int, **environment: str) -> None:
        python, module = sys.executable, "benchmarks.selfsup_ours"
        if package not in (OURS, TURNED):
            python, module = openmmlab_python(), "benchmarks.selfsup_openmmlab"
        self.errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by close
        self.process = subprocess.Popen(
            [python, "-W", "ignore", "-m", module, package, model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), **environment},
        )
        self.parameters = self.answer()["parameters"]

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError(self.errors.read().strip().rpartition("\n")[2])
        found: dict[str, Any] = json.loads(line)
        return found

    def step(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        self.process.communicate()
        self.errors.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[*MODELS, []], help="which models; all where none is named")
    parser.add_argument("--packages", nargs="+", choices=PACKAGES, default=PACKAGES)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print(f"one training step, {BATCH} pictures of 224 pixels, {options.threads} thread(s), {options.rounds} rounds")
    for model in options.models or MODELS:
        sides = (OURS, *([TURNED] if model != "mae" else []), *options.packages)
        report(model, measure(model, sides, options.rounds, options.threads))


def measure(model: str, packages: tuple[str, ...], rounds: int, threads: int) -> dict[str, list[dict[str, Any]]]:
    """The answers of each process, round by round; the first step of each is not timed."""
    memory = {package: memory_of_a_step(package, model, threads) for package in packages}
    processes = {package: Steps(package, model, threads) for package in packages}
    found: dict[str, list[dict[str, Any]]] = {package: [] for package in packages}
    try:
        counts = {package: one.parameters for package, one in processes.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"found {counts} trained parameters, expected as many in each: these are other models")
        for one in processes.values():
            one.step()
        for number in range(rounds):
            for package in packages[number % len(packages) :] + packages[: number % len(packages)]:
                found[package].append({**processes[package].step(), "memory": memory[package]})
    finally:
        for one in processes.values():
            one.close()
    return found


def memory_of_a_step(package: str, model: str, threads: int) -> float:
    """What a step takes where all that is freed is given back at once (glibc): not what the allocator kept of it."""
    process = Steps(package, model, threads, MALLOC_MMAP_THRESHOLD_="65536")
    try:
        return float(process.step()["memory"])
    finally:
        process.close()


def report(model: str, found: Mapping[str, list[dict[str, Any]]]) -> None:
    for name in (OURS, TURNED):
        if name not in found:
            continue
        ours = found[name]
        print(f"  {model}, {name}: {figures(ours)}", flush=True)
        for package, theirs in found.items():
            if package not in (OURS, TURNED):
                memory = ours[-1]["memory"] / theirs[-1]["memory"]
                print(
                    f"    {package}: {figures(theirs)}; ours takes {ratios(ours, theirs, 'seconds')} of its time, "
                    f"{ratios(ours, theirs, 'work')} of its processor time and {memory:.3f} of its memory",
                    flush=True,
                )


def figures(steps: list[dict[str, Any]]) -> str:
    seconds, work = (statistics.median(one[kind] for one in steps) for kind in ("seconds", "work"))
    return f"{seconds:.2f} s, {work:.2f} s of the processor, {steps[-1]['memory']:.0f} MiB"


def ratios(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], kind: str) -> str:
    """The median of the ratios round by round, and the least and the greatest."""
    found = [mine[kind] / other[kind] for mine, other in zip(ours, theirs, strict=True)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


if __name__ == "__main__":
    main()
