"""A program for test_torchrun.py: a graph that clusters its samples is trained in several processes.

python -m tests.training.clustering OUT STRATEGY GRAPH SAMPLES
"""

import sys
from dataclasses import replace

import numpy as np
import torch

import composer
from composer.graph import FrozenDict, Preprocess
from composer.training.data.samples import ArraySource
from tests.together import leave
from tests.training.families import small
from tests.training.loops import recipe_of


def main() -> None:
    torch.set_num_threads(1)
    out, strategy, name, samples = sys.argv[1:]
    graph = small(name)
    steps = Preprocess(resize=(28, 28), channels="gray", mean=(127.5,), std=(64.0,))
    graph = replace(
        graph, inputs=FrozenDict({key: replace(entry, preprocess=steps) for key, entry in graph.inputs.items()})
    )
    images = np.random.default_rng(0).integers(0, 255, (int(samples), 32, 32)).astype(np.uint8)
    recipe = recipe_of(
        steps=None,
        epochs=2,
        batches={"batch": 8, "workers": 0},
        distributed={"strategy": strategy},
        optimizer={"type": "SGD", "lr": 0.05, "momentum": 0.9},
        checkpoints={"every": "1 epoch"},
    )
    composer.train(recipe, graph=graph, source=ArraySource(images), out=out, device="cpu")
    leave()


if __name__ == "__main__":
    main()
