"""Steps of ``composer.training`` beside a plain loop written by hand, on the same model and batches.

python -m benchmarks.training_loop

Both sides have the same kind of optimizer, schedule and layout. A ratio of 1 means the same time a step; above 1 ours
is slower. In turns of some steps, so that a noisy machine weighs on both.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

import composer
from benchmarks.side_by_side import compare
from composer.graph import Graph
from composer.run.inputs import example_inputs
from composer.training import set_progress
from composer.training.recipe import Recipe
from composer.training.trainer import Trainer

# Saved graphs, the batch, and steps of one turn.
GRAPHS = {
    "classification/fashion_mnist": (32, 3),
    "selfsup/mae_fashion_mnist": (32, 3),
    "classification/resnet18_cifar": (4, 2),
}
ROUNDS = 15
STEPS = 100_000
RATE = 1e-3


@dataclass
class Batch:
    inputs: dict[str, Any]
    samples: dict[str, Any]
    indices: list[int]
    names: list[str]
    skipped: list[str] = field(default_factory=list)


class Feed:
    """The same batch at every step."""

    def __init__(self, graph: Graph, count: int) -> None:
        inputs, samples = example_inputs(graph, count)
        self.batch = Batch(inputs, samples, list(range(count)), [str(index) for index in range(count)])
        self.steps_in_epoch = STEPS

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        return (self.batch for _ in range(start, stop))


def main() -> None:
    torch.set_num_threads(1)
    print("a step of composer.training against a loop by hand, one thread")
    for name, (count, inner) in GRAPHS.items():
        graph = composer.read(f"saved_graphs/{name}.yaml")
        feed = Feed(graph, count)
        mine, theirs = ours(graph, feed), by_hand(graph, feed)
        own, other, ratio = compare(mine, theirs, ROUNDS, inner)
        print(f"  {name:32} {own:8.1f} ms, by hand {other:8.1f} ms, ratio {ratio:.3f}", flush=True)


def ours(graph: Graph, feed: Feed) -> Callable[[], object]:
    data = {"train": {"path": "images"}}
    given = {"graph": "graph.yaml", "data": data, "optimizer": {"lr": RATE}, "schedule": {}, "steps": STEPS}
    torch.manual_seed(0)
    trainer = Trainer(Recipe.model_validate({**given, "channels_last": False}), composer.compile(graph), feed)
    return lambda: trainer.train_step(feed.batch)


def by_hand(graph: Graph, feed: Feed) -> Callable[[], object]:
    torch.manual_seed(0)
    model = composer.compile(graph).train()
    matrices = [item for item in model.parameters() if item.requires_grad and item.dim() > 1]
    vectors = [item for item in model.parameters() if item.requires_grad and item.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
    made = [0]
    total = [0.0]

    def step() -> None:
        set_progress(model, made[0] / STEPS)
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 + math.cos(math.pi * made[0] / STEPS)) / 2
        losses = model(feed.batch.inputs, feed.batch.samples, mode="loss")
        loss = sum(value for name, value in losses.items() if "loss" in name)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total[0] += loss.item()
        made[0] += 1

    return step


if __name__ == "__main__":
    main()
