"""How well regions of classes cover those that were drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from composer.problems import GraphError, Problem, Where
from composer.run.answers import class_name
from composer.training.data.batch import Batch
from composer.training.metrics.metric import Metric, number, on_cpu, share, summed

__all__ = ["MeanIoU"]


class MeanIoU(Metric):
    """Mean intersection over union of the classes, and the share of pixels that are right.

    Counted over all pixels of all images (as PASCAL VOC and mmseg ``IoUMetric`` do). Classes that are neither drawn
    nor answered do not count.

    Args:
        field: The data sample with the class of each pixel, [B, H, W] or [B, 1, H, W].
        names: The names of the classes.
        ignore: Pixels with this class do not count; nor do negative ones.
    """

    def __init__(self, field: str, names: Sequence[str] = (), ignore: int = 255) -> None:
        self.field = field
        self.names = tuple(names)
        self.ignore = ignore
        self.reset()

    def update(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch; answers of another size are resized to what was drawn."""
        wanted = torch.as_tensor(batch.samples[self.field]).long()
        wanted = wanted[:, 0] if wanted.dim() == 4 else wanted
        answers, classes = self._answers(outputs, wanted)
        wanted = wanted.to(answers.device)
        size = max(len(self.names), classes, 0 if self._counts is None else len(self._counts))
        size = max(size, int(answers.max()) + 1 if answers.numel() else 1)
        kept = (wanted != self.ignore) & (wanted >= 0)
        rows, columns = wanted[kept], answers[kept]
        size = max(size, int(rows.max()) + 1 if rows.numel() else 1)
        found = torch.bincount(rows * size + columns, minlength=size * size).reshape(size, size)
        self._counts = found if self._counts is None else _sum([self._counts, found])

    def value(self) -> dict[str, float]:
        """``mean_iou``, ``pixel_accuracy``, ``mean_class_accuracy``."""
        if self._counts is None:
            return dict.fromkeys(["mean_iou", "pixel_accuracy", "mean_class_accuracy"], float("nan"))
        hits, wanted, answered = self._by_class()
        iou = hits / (wanted + answered - hits)
        right = share(float(hits.sum()), float(wanted.sum()))
        accuracy = float((hits / wanted).nanmean())
        return {"mean_iou": float(iou.nanmean()), "pixel_accuracy": right, "mean_class_accuracy": accuracy}

    def details(self) -> dict[str, Any]:
        """``classes``: the IoU and accuracy of each; ``confusion`` in pixels, rows are right."""
        if self._counts is None:
            return {}
        hits, wanted, answered = self._by_class()
        rows = zip((hits / (wanted + answered - hits)).tolist(), (hits / wanted).tolist(), strict=True)
        classes = [
            {"name": class_name(self.names, label), "iou": number(iou), "accuracy": number(accuracy)}
            for label, (iou, accuracy) in enumerate(rows)
        ]
        return {"classes": classes, "confusion": self._counts.tolist()}

    def state(self) -> Any:
        """The counts."""
        return None if self._counts is None else on_cpu(self._counts)

    def merge(self, states: Sequence[Any]) -> None:
        """Add them up."""
        held = [state for state in states if state is not None]
        self._counts = _sum(held) if held else None

    def _by_class(self) -> tuple[Tensor, Tensor, Tensor]:
        assert self._counts is not None
        counts = self._counts.cpu().double()
        return counts.diagonal(), counts.sum(dim=1), counts.sum(dim=0)

    def _answers(self, outputs: Mapping[str, Any], wanted: Tensor) -> tuple[Tensor, int]:
        """The class of each pixel [B, H, W], and how many classes there are, 0 where it is not known."""
        for value in outputs.values():
            if isinstance(value, Tensor) and value.dim() == 3 and not value.is_floating_point():
                resized = F.interpolate(value[:, None].double(), wanted.shape[1:], mode="nearest")[:, 0].long()
                return (value.long() if value.shape == wanted.shape else resized), 0
        for value in outputs.values():
            if isinstance(value, Tensor) and value.dim() == 4 and value.is_floating_point():
                same = value.shape[2:] == wanted.shape[1:]
                levels = value if same else F.interpolate(value, wanted.shape[1:], mode="bilinear")
                flags = (levels > 0.5).long()[:, 0] if levels.shape[1] == 1 else levels.argmax(dim=1)
                return flags, max(2, levels.shape[1])
        text = f"{self.mode} mode gives {', '.join(outputs) or 'nothing'}; mean_iou needs the class of each pixel "
        raise GraphError(
            Problem("no-metric", Where(f"outputs.{self.mode}"), f"{text}[B, H, W], or scores [B, K, H, W]")
        )

    def _fresh(self) -> dict[str, Any]:
        return {"_counts": None}

    _counts: Tensor | None


def _sum(counts: Sequence[Tensor]) -> Tensor:
    """The sum of square counts, of which some know of fewer classes."""
    size = max(len(count) for count in counts)
    device = counts[0].device
    padded = [F.pad(count.to(device), (0, size - len(count)) * 2) for count in counts]
    return padded[0] if len(padded) == 1 else padded[0] + padded[1] if len(padded) == 2 else summed(padded)
