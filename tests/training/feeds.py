"""Batches for tests of the loop: of each step the same ones, whoever asks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from composer.graph import Graph
from composer.run.inputs import example_inputs


@dataclass
class Batch:
    """The samples of a step."""

    inputs: dict[str, Any]
    samples: dict[str, Any]
    indices: list[int]
    names: list[str]
    skipped: list[str] = field(default_factory=list)


class ExampleFeed:
    """Random inputs of the right kinds, drawn from the number of the step."""

    def __init__(
        self,
        graph: Graph,
        *,
        batch: int = 4,
        epoch: int = 4,
        rank: int = 0,
        world: int = 1,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.dtype = dtype
        self.graph = graph
        self.batch = batch
        self.steps_in_epoch = epoch
        self.rank, self.world = rank, world
        self.order: dict[int, list[int]] = {}

    def set_order(self, epoch: int, order: list[int]) -> None:
        self.order[epoch] = [int(index) for index in order]

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        for step in range(start, stop):
            yield self.at(step)

    def at(self, step: int) -> Batch:
        inputs, samples = example_inputs(self.graph, self.batch, seed=step)
        count = self.batch * self.steps_in_epoch
        first = step % self.steps_in_epoch * self.batch
        indices = list(range(first, first + self.batch))
        order = self.order.get(step // self.steps_in_epoch)
        if order is not None:
            indices = [order[index] for index in indices]
        if "sample_index" in samples:
            samples["sample_index"] = torch.tensor(indices) % count
        mine = slice(self.rank, None, self.world)
        inputs = {name: value[mine].to(self.dtype) for name, value in inputs.items()}
        samples = {name: value[mine] for name, value in samples.items()}
        names = [f"sample {index}" for index in indices[mine]]
        return Batch(inputs, samples, indices[mine], names)

    def whole(self) -> Iterator[Batch]:
        """Every sample once."""
        order, self.order = self.order, {}
        found = list(self.batches(0, self.steps_in_epoch))
        self.order = order
        return iter(found)
