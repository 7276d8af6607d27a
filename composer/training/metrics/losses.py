"""The mean of the losses on samples that are not trained on."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from composer.training.data.batch import Batch
from composer.training.metrics.metric import Metric

__all__ = ["MeanLoss"]


class MeanLoss(Metric):
    """The sum of the losses, and each output of loss mode, as means over samples.

    Losses are means over a batch, so each counts as often as its batch has samples. Those that compare the samples of
    a batch with each other depend on its size.
    """

    mode = "loss"

    def __init__(self) -> None:
        self.reset()

    def update(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch."""
        scalars = {name: torch.as_tensor(value).detach().float().mean() for name, value in outputs.items()}
        if scalars:
            names, values = tuple(scalars), torch.stack(list(scalars.values()))
            self._rows.append((names, values, len(batch.indices)))

    def value(self) -> dict[str, float]:
        """``val_loss``; where there are several outputs, each of them too, as ``val_loss_cls``."""
        rows = self._plain()
        names = list(dict.fromkeys(name for row in rows for name in row[0]))
        means = {name: self._mean(rows, name) for name in names}
        losses = [mean for name, mean in means.items() if "loss" in name]
        total = math.fsum(losses) if losses else math.nan
        each = {f"val_{name}": mean for name, mean in means.items()} if len(means) > 1 else {}
        return {"val_loss": total, **{name: mean for name, mean in each.items() if name != "val_loss"}}

    def state(self) -> Any:
        """The outputs of each batch."""
        return self._plain()

    def merge(self, states: Sequence[Any]) -> None:
        """Put them one after the other."""
        self._rows = [row for state in states for row in state]

    def _plain(self) -> list[tuple[tuple[str, ...], list[float], int]]:
        return [
            (names, values.tolist() if isinstance(values, torch.Tensor) else values, count)
            for names, values, count in self._rows
        ]

    @staticmethod
    def _mean(rows: list[tuple[tuple[str, ...], list[float], int]], name: str) -> float:
        found = [(values[names.index(name)], count) for names, values, count in rows if name in names]
        total = sum(count for _, count in found)
        return math.fsum(value * count for value, count in found) / total if total else math.nan

    def _fresh(self) -> dict[str, Any]:
        return {"_rows": []}

    _rows: list[tuple[tuple[str, ...], Any, int]]
