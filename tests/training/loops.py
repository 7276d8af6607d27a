"""What tests of the loop share: small recipes, and trainers over random batches."""

from pathlib import Path
from typing import Any

import torch

import composer
from composer.graph import Graph
from composer.training.engine import seed_everything
from composer.training.recipe import Recipe
from composer.training.runs.folder import RunFolder
from composer.training.trainer import Trainer
from tests.training.feeds import ExampleFeed

BASE: dict[str, Any] = {
    "graph": "graph.yaml",
    "data": {"train": {"path": "images"}},
    "optimizer": {"type": "AdamW"},
    "schedule": {"type": "cosine"},
    "steps": 8,
    "channels_last": False,
    "checkpoints": {"every": "3 steps"},
}


def recipe_of(**changes: Any) -> Recipe:
    return Recipe.model_validate({**BASE, **changes})


def trainer_of(graph: Graph, recipe: Recipe, run: RunFolder | None = None, *, seed: int = 0, **options: Any) -> Trainer:
    seed_everything(seed)
    model = composer.compile(graph)
    epoch = options.pop("epoch", 4)
    batch = options.pop("batch", 8)
    feed = options.pop("feed", None) or ExampleFeed(graph, batch=batch, epoch=epoch)
    seed_everything(seed + 1)
    return Trainer(recipe, model, feed, run=run, whole=feed.whole, samples=batch * epoch, **options)


def run_in(folder: Path, recipe: Recipe, graph: Graph) -> RunFolder:
    return RunFolder.create(folder, recipe, graph)


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The entries of two state dicts that differ in any bit."""
    assert list(one) == list(other)
    return [name for name in one if not torch.equal(one[name], other[name])]
