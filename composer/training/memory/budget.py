"""Memory of a training: what it has, and what it was forecast to need before its first step."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.graph import Graph
from composer.model import Model
from composer.model.compile import outline
from composer.training.memory.forecast import Memory, StepPlan, forecast_memory
from composer.training.optimizers import build_optimizer
from composer.training.policy import NodePolicy
from composer.training.recipe import Recipe

if sys.platform != "win32":
    import resource

__all__ = ["FORECAST", "Counted", "memory_now", "memory_peak", "step_plan", "tensors_of"]

FORECAST = "forecast"
"""The kind of the event that says what a training will need."""


def memory_peak() -> int:
    """The most memory that this process had, in bytes: on the GPU where it has one, else of the system."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return 0
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def memory_now() -> int:
    """Bytes of the system's memory that this process has; the most that it had where the system says no more."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return memory_peak()


def step_plan(recipe: Recipe, *, device: torch.device | None = None, world: int = 1) -> StepPlan:
    """What a recipe says of memory.

    Args:
        recipe: The recipe, complete.
        device: What is trained on; by default the CPU.
        world: Processes that train.
    """
    assert recipe.optimizer is not None, "the recipe is complete"
    return StepPlan(
        optimizer=partial(build_optimizer, recipe.optimizer, device=device or torch.device("cpu")),
        precision=recipe.precision,
        accumulate=recipe.batches.accumulate,
        ema=recipe.ema is not None,
        clip=recipe.clip.norm is not None,
        channels_last=bool(recipe.channels_last),
        buckets=world > 1 and recipe.distributed.strategy == "ddp",
    )


class Counted:
    """A step of a training as it is counted without making it.

    All that the policy ever trains is trained in it, so the forecast holds for the whole of the training.

    Args:
        recipe: The recipe, complete.
        graph: The graph.
        catalog: Its catalog.
        batch: A batch as the process reads it, whose shapes count.
        epoch: Steps of an epoch.
        total: Steps of the training.
        device: What is trained on.
        world: Processes that train.
    """

    def __init__(
        self,
        recipe: Recipe,
        graph: Graph,
        catalog: Catalog,
        batch: Any,
        *,
        epoch: int,
        total: int,
        device: torch.device,
        world: int = 1,
    ) -> None:
        self.model = outline(graph, catalog).train()
        NodePolicy(recipe, self.model, epoch=epoch, total=total).apply(self.model, total)
        self.plan = step_plan(recipe, device=device, world=world)
        self.size = -(-len(batch.indices) // recipe.batches.accumulate)
        self.given = (batch.inputs, _fields(self.model, batch))
        self.device = device

    def forecast(self, rows: Mapping[str, Sequence[int]] | None = None) -> Memory:
        """The peak of a step.

        Args:
            rows: What nodes find whose sizes depend on values (``found_rows``); by default as much as they may.

        Raises:
            GraphError: The graph has no loss mode.
        """
        device = self.device.type
        return forecast_memory(self.model, self.plan, batch=self.size, device=device, given=self.given, rows=rows)

    def event(self, held: Iterable[Tensor]) -> dict[str, Any]:
        """The forecast as values of an event: ``memory`` stands beside what ``memory_peak`` gives later.

        On the CPU that is all of the process: what it has now, and what the step adds to the tensors that are there.

        Args:
            held: The tensors that are there before the step.
        """
        found = self.forecast()
        there = sum({one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in held}.values())
        added = max(found.peak - there, 0)
        memory = memory_now() + added if self.device.type == "cpu" else found.peak
        values: Mapping[str, Any] = {"memory": memory, "peak": found.peak, "batch": found.batch, "phase": found.phase}
        return {**values, "bounded": list(found.bounded)}


def tensors_of(batch: Any) -> Iterator[Tensor]:
    """The tensors of a batch."""
    for part in (batch.inputs, batch.samples):
        for value in part.values():
            yield from (one for one in (value if isinstance(value, list) else (value,)) if isinstance(one, Tensor))


def _fields(model: Model, batch: Any) -> dict[str, Any]:
    """The data samples of a batch, with classes for those that training makes."""
    made = {
        name: torch.zeros(len(batch.indices), dtype=torch.int64)
        for name in model.signatures["loss"].fields
        if name not in batch.samples
    }
    return {**batch.samples, **made}
