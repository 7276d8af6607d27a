"""A data set of which a small graph learns something, and a recipe for it."""

import numpy as np

from composer.graph import Graph
from composer.graph.file import loads
from composer.training.data.samples import ArraySource
from tests import tiny_graphs
from tests.training.loops import recipe_of

RECIPE = recipe_of(
    steps=60,
    batches={"batch": 8, "workers": 0},
    checkpoints={"every": "1 step"},
    ema={"decay": 0.9},
)


def colours() -> ArraySource:
    """Images whose class is their colour."""
    drawn = np.random.default_rng(0)
    labels = np.arange(48) % 3
    images = drawn.integers(0, 80, (48, 8, 8, 3)).astype(np.uint8)
    images[np.arange(48), :, :, labels] += 120
    return ArraySource(images, labels, ["cat", "dog", "bird"])


def prepared() -> Graph:
    """A classifier that says how an image becomes its input."""
    steps = "{resize: [8, 8], channels: rgb, mean: [127.5, 127.5, 127.5], std: [64, 64, 64]}"
    return loads(tiny_graphs.CLASSIFIER.replace("shape: [B, 3, 8, 8]}", f"shape: [B, 3, 8, 8], preprocess: {steps}}}"))
