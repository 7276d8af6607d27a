"""A program of its own for test_torchrun.py, which torchrun starts in several processes.

python -m tests.training.launched OUT STRATEGY [KILLED]
"""

import os
import signal
import sys

import torch

from composer.training.engine import train
from tests.training.colours import RECIPE, colours, prepared


def main() -> None:
    torch.set_num_threads(1)
    out, strategy, *rest = sys.argv[1:]
    killed = int(rest[0]) if rest else -1
    changes = {"distributed": RECIPE.distributed.model_copy(update={"strategy": strategy}), "steps": 12}
    first = os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0"

    def watch(kind, step, values):
        if kind == "step" and step == killed and first:
            os.kill(os.getpid(), signal.SIGKILL)

    train(RECIPE.model_copy(update=changes), graph=prepared(), source=colours(), out=out, on_event=watch, device="cpu")


if __name__ == "__main__":
    main()
