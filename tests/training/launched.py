"""A program of its own for test_torchrun.py and test_two_hosts.py, which torchrun starts in several processes.

python -m tests.training.launched OUT STRATEGY [STEP RANK]

In that step, counted from 0, that process is killed, but not once torchrun has started all of them again.
"""

import os
import signal
import sys
from unittest import mock

import torch

from composer.training.engine import train
from composer.training.step import Stepper
from tests.together import leave
from tests.training.colours import RECIPE, colours, prepared


def main() -> None:
    torch.set_num_threads(1)
    out, strategy, *rest = sys.argv[1:]
    changes = {"distributed": RECIPE.distributed.model_copy(update={"strategy": strategy}), "steps": 12}
    first = os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0"
    killed = int(rest[0]) if rest and first and os.environ["RANK"] == rest[1] else -1
    make = Stepper.make

    def deadly(self, batch, step, *more, **options):
        if step == killed:
            os.kill(os.getpid(), signal.SIGKILL)
        return make(self, batch, step, *more, **options)

    with mock.patch.object(Stepper, "make", deadly):
        train(RECIPE.model_copy(update=changes), graph=prepared(), source=colours(), out=out, device="cpu")
    leave()


if __name__ == "__main__":
    main()
