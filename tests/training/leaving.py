"""A user's own program for test_torchrun.py, which ends as any Python program does.

python -m tests.training.leaving OUT STRATEGY
"""

import os
import sys
from pathlib import Path

import torch

import composer
from tests.training.colours import RECIPE, colours, prepared


def main() -> None:
    torch.set_num_threads(1)
    out, strategy = sys.argv[1:]
    changes = {"distributed": RECIPE.distributed.model_copy(update={"strategy": strategy}), "steps": 2}
    recipe = RECIPE.model_copy(update=changes)
    outcome = composer.train(recipe, graph=prepared(), source=colours(), out=out, device="cpu")
    threads = [Path(f"/proc/self/task/{one}/comm").read_text().strip() for one in os.listdir("/proc/self/task")]
    print("left over:", [name for name in threads if "gloo" in name], outcome.state, flush=True)


if __name__ == "__main__":
    main()
