"""A program of its own for test_kills.py: trains small graphs, is killed in the middle, or goes on.

python -m tests.training.killed whole|killed|resumed FOLDER GRAPH...
"""

import os
import signal
import sys
from pathlib import Path

import torch

from composer.training import checkpoints
from composer.training.runs.folder import RunFolder
from tests.training.families import small
from tests.training.feeds import ExampleFeed
from tests.training.loops import recipe_of, run_in, trainer_of

STEPS = 9
KILLED = 7


class Deadly(ExampleFeed):
    """Ends the process as ``kill -9`` does, before the batch of a step."""

    def at(self, step):
        if step == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().at(step)


def main() -> None:
    torch.set_num_threads(1)
    what, folder, names = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    for name in names:
        if what == "killed":
            child = os.fork()
            if child == 0:
                train(what, folder / name, name)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status)
        else:
            train(what, folder / name, name)


def train(what: str, folder: Path, name: str) -> None:
    graph, recipe = small(name), recipe_of(steps=STEPS, checkpoints={"every": "2 steps"})
    kind = Deadly if what == "killed" else ExampleFeed
    feed = kind(graph, batch=8, epoch=4)
    if what == "resumed":
        run = RunFolder.open(folder).write()
        trainer = trainer_of(graph, recipe, run, feed=feed, seed=11)
        found = checkpoints.newest(run.checkpoints)
        assert found is not None
        assert found[1]["step"] == KILLED - 1
        trainer.load(*found)
        run.events.cut(found[1]["log"])
    else:
        trainer = trainer_of(graph, recipe, run_in(folder, recipe, graph), feed=feed)
    trainer.fit()


if __name__ == "__main__":
    main()
