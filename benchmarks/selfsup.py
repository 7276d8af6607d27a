"""One training step of self-supervised models beside mmpretrain's and mmselfsup's: time and memory.

    python -m benchmarks.selfsup                        MoCo v2, BYOL and MAE
    python -m benchmarks.selfsup mae --rounds 21

A step is a forward in loss mode with the update of the momentum copies, and a backward: 8 images of 224 pixels, on
the CPU. Each model lives in a process of its own, and they take turns step by step, in an order that changes from round
to round, so that a noisy machine weighs on all; the processor's own time leaves out what was spent waiting for it.
Memory is the most that a step took above the loaded model, in a process that gives back at once what it frees. The
packages come from an environment of their own, made at the first run (OPENMMLAB_PYTHON names another). Convolutional
models are measured once more with ``model.to(memory_format=torch.channels_last)``, as ``channels_last``.
"""

import argparse
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from benchmarks.openmmlab_environment import openmmlab_python
from benchmarks.training_step import BATCH
from benchmarks.turns import Side, in_turns, median, ratios

__all__ = ["main"]

OURS = "composer"
TURNED = "channels_last"
PACKAGES = ("mmpretrain", "mmselfsup")
MODELS = ("moco_v2", "byol", "mae")


def command(side: str, model: str) -> tuple[str, ...]:
    """What runs a side: its python, its module, and the arguments of that."""
    if side in (OURS, TURNED):
        return (sys.executable, "benchmarks.selfsup_ours", side, model)
    return (openmmlab_python(), "benchmarks.selfsup_openmmlab", side, model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[*MODELS, []], help="which models; all where none is named")
    parser.add_argument("--packages", nargs="+", choices=PACKAGES, default=PACKAGES)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print(f"one training step, {BATCH} images of 224 pixels, {options.threads} thread(s), {options.rounds} rounds")
    for model in options.models or MODELS:
        sides = (OURS, *([TURNED] if model != "mae" else []), *options.packages)
        report(model, measure(model, sides, options.rounds, options.threads))


def measure(model: str, names: tuple[str, ...], rounds: int, threads: int) -> dict[str, list[dict[str, Any]]]:
    """The answers of each side, round by round, with the memory of a step."""
    memory = {name: memory_of_a_step(name, model, threads) for name in names}
    with ExitStack() as stack:
        sides = [stack.enter_context(Side.running(*command(name, model), threads=threads)) for name in names]
        counts = {name: side.ask("parameters")["found"] for name, side in zip(names, sides, strict=True)}
        if len(set(counts.values())) > 1:
            raise ValueError(f"found {counts} trained parameters, expected as many in each: these are other models")
        found = in_turns(sides, "step", rounds)
    return {
        name: [{**one, "memory": memory[name]} for one in answers] for name, answers in zip(names, found, strict=True)
    }


def memory_of_a_step(name: str, model: str, threads: int) -> float:
    """What a step takes where all that is freed is given back at once (glibc): not what the allocator kept of it."""
    given_back = {"MALLOC_MMAP_THRESHOLD_": "65536"}
    with Side.running(*command(name, model), threads=threads, environment=given_back) as side:
        side.ask("step")
        return float(side.ask("memory")["found"])


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
                    f"{ratios(ours, theirs, 'busy')} of its processor time and {memory:.3f} of its memory",
                    flush=True,
                )


def figures(steps: list[dict[str, Any]]) -> str:
    taken = f"{median(steps, 'seconds'):.2f} s, {median(steps, 'busy'):.2f} s of the processor"
    return f"{taken}, {steps[-1]['memory']:.0f} MiB"


if __name__ == "__main__":
    main()
