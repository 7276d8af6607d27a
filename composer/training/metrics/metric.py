"""What a metric is: it sees the outputs of every batch once, and says in the end how good they were."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from composer.graph import Graph
from composer.problems import GraphError
from composer.training.data.batch import Batch
from composer.training.data.samples import Source, is_unnamed

__all__ = ["Metric", "class_names", "gather", "is_lower_better", "number", "on_cpu", "share", "summed"]


class Metric(ABC):
    """One metric, or several that are counted together.

    Attributes:
        mode: The forward mode whose outputs it sees.
        refers: Whether it compares with the training samples too, which it then sees first.
    """

    mode: str = "predict"
    refers: bool = False

    @abstractmethod
    def update(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch.

        Args:
            outputs: What the model returned in ``mode``.
            batch: Its samples.
        """

    def refer(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch of the training samples that it compares with."""
        raise NotImplementedError

    def refer_to(self, source: Source) -> None:  # noqa: B027 - most metrics compare with nothing
        """Say which training samples it will see, if it compares with them."""

    @abstractmethod
    def state(self) -> Any:
        """What was counted so far, as what goes from process to process: numbers and tensors on the CPU."""

    @abstractmethod
    def merge(self, states: Sequence[Any]) -> None:
        """Take the states of all processes, in the order of their ranks, in place of its own."""

    @abstractmethod
    def value(self) -> dict[str, float]:
        """The numbers by name, the most important first; NaN where there was nothing to count."""

    def details(self) -> dict[str, Any]:
        """What does not fit in a few numbers, as plain data: a confusion matrix, classes one by one."""
        return {}

    def reset(self) -> None:
        """Forget everything, for the next evaluation."""
        vars(self).update(self._fresh())

    @abstractmethod
    def _fresh(self) -> dict[str, Any]:
        """The attributes that count, as they are in the beginning."""


def gather(metrics: Sequence[Metric], problem: GraphError | None = None) -> None:
    """Have the metrics of all processes count what any of them saw; all of them call it.

    Counts are whole numbers and samples are kept one by one, so several processes give exactly what one gives. Only
    the mean of losses may differ in its last digits, since the batches differ.

    Args:
        metrics: The metrics.
        problem: What kept this process from measuring.

    Raises:
        GraphError: Something kept one of them; all of them raise it, so that none waits for the others.
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        if problem is not None:
            raise problem
        return
    found: list[Any] = [None] * dist.get_world_size()
    own = problem.problems if problem is not None else None
    dist.all_gather_object(found, (own, [metric.state() for metric in metrics] if own is None else []))
    reported = [one for problems, _ in found for one in problems or ()]
    if reported:
        raise GraphError(dict.fromkeys(reported)) from problem
    for place, metric in enumerate(metrics):
        metric.merge([states[place] for _, states in found])


def is_lower_better(name: str) -> bool:
    """Whether less of a number of this name is better: it is a loss."""
    return "loss" in name.lower()


def class_names(graph: Graph, source: Source | None) -> tuple[str, ...]:
    """The names of the classes: those of the data, or of the graph where the data only numbers them."""
    named, own = tuple(source.classes) if source is not None else (), tuple(graph.classes)
    return own if source is None or (is_unnamed(source) and len(named) <= len(own)) else named


def number(value: float) -> float | None:
    """A number as JSON has it; None for what is no number."""
    return value if value == value else None


def share(part: float, whole: float) -> float:
    """``part / whole``; NaN where there is nothing."""
    return part / whole if whole else float("nan")


def on_cpu(value: Tensor) -> Tensor:
    """A tensor as it goes to another process."""
    return value.detach().to("cpu", copy=True)


def summed(values: Sequence[Tensor]) -> Tensor:
    """The sum of counts."""
    return torch.stack([value.to("cpu") for value in values]).sum(dim=0)
