"""A program of its own for test_faults.py: trains, and runs short of memory or of disk after its first checkpoint.

python -m tests.training.short_of memory|disk OUT
"""

import resource
import sys
from pathlib import Path

import numpy as np
import torch

from composer.graph.file import dumps, loads
from composer.problems import GraphError
from composer.training.data.samples import ArraySource
from composer.training.engine import train
from tests.training.colours import prepared
from tests.training.loops import recipe_of

SIDE = 512


def main() -> None:
    torch.set_num_threads(1)
    what, out = sys.argv[1:]

    def watch(kind, step, values):
        if kind == "checkpoint" and what == "memory":
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * resource.getpagesize() + 2**25
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        if kind == "checkpoint" and what == "disk":
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    graph = loads(dumps(prepared()).replace("8, 8]", f"{SIDE}, {SIDE}]"))
    source = ArraySource(np.zeros((8, 8, 8, 3), np.uint8), np.arange(8) % 3, ["cat", "dog", "bird"])
    recipe = recipe_of(steps=4, batches={"batch": 8, "workers": 0}, checkpoints={"every": "1 step"})
    try:
        train(recipe, graph=graph, source=source, out=out, device="cpu", on_event=watch)
    except GraphError as error:
        print(error)


if __name__ == "__main__":
    main()
