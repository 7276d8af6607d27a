"""What predict mode returns, in words: each picture's classes by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from composer.graph import Graph

__all__ = ["Answer", "named"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One class that a picture may show.

    Args:
        label: Index of the class.
        name: Its name in the graph's ``classes``, or ``class 7`` where it has none.
        score: Its score; None where the graph gives labels only.
        predicted: Whether the graph answers with it; the others are only scored.
    """

    label: int
    name: str
    score: float | None
    predicted: bool

    def to_json(self) -> dict[str, Any]:
        """The answer as plain data; a score that is no number becomes None."""
        score = self.score if self.score is not None and self.score == self.score else None
        return {"label": self.label, "name": self.name, "score": score, "predicted": self.predicted}


def named(graph: Graph, outputs: Mapping[str, Any], top: int | None = None) -> list[list[Answer]]:
    """The classes of each picture, those that are predicted first, then by falling score.

    One score a picture [B, 1] beside labels [B] is that of class 1; class 0 has the rest.

    Read from the outputs ``scores`` [B, K] and ``labels``: the class [B]; 1 for each class that is predicted and 0 for
    the others [B, K]; or a ranking of classes [B, n]. One of the two may be missing.

    Args:
        graph: The graph; its ``classes`` are the names.
        outputs: What the model returned in predict mode.
        top: How many classes each picture gets; by default those that are predicted.

    Returns:
        One list a picture; empty where the outputs hold neither scores nor labels of classes.
    """
    scores, labels = _matrix(outputs.get("scores")), _labels(outputs.get("labels"))
    if scores is not None and scores.shape[1] == 1 and _is_index(outputs.get("labels")):
        scores = torch.cat([1 - scores, scores], dim=1)
    if scores is None and labels is None:
        return []
    if labels is None and scores is not None:
        labels = scores.argmax(dim=1, keepdim=True)
    return [
        _of_one(graph, None if scores is None else scores[row], chosen, top)
        for row, chosen in enumerate(_predicted(scores, labels))
    ]


def _of_one(graph: Graph, scores: Tensor | None, predicted: list[int], top: int | None) -> list[Answer]:
    rest = [] if scores is None else scores.argsort(descending=True, stable=True).tolist()
    order = [*predicted, *(label for label in rest if label not in set(predicted))]
    return [
        Answer(
            label,
            graph.classes[label] if 0 <= label < len(graph.classes) else f"class {label}",
            None if scores is None or not 0 <= label < len(scores) else float(scores[label]),
            label in predicted,
        )
        for label in order[: len(predicted) if top is None else top]
    ]


def _predicted(scores: Tensor | None, labels: Tensor | None) -> list[list[int]]:
    """For each picture the predicted classes, best first."""
    if labels is None:
        return []
    if scores is None or labels.shape != scores.shape or _is_ranking(scores, labels):
        return labels[:, :1].tolist()
    chosen = []
    for score, flags in zip(scores, labels, strict=True):
        order = score.argsort(descending=True, stable=True)
        chosen.append(order[flags[order] > 0].tolist())
    return chosen


def _is_ranking(scores: Tensor, labels: Tensor) -> bool:
    """Whether labels [B, K] list all classes by falling score, and are not a flag for each class."""
    return labels.shape[1] == 1 or torch.equal(labels, scores.topk(labels.shape[1], dim=1).indices)


def _is_index(labels: Any) -> bool:
    return isinstance(labels, Tensor) and labels.ndim == 1


def _matrix(value: Any) -> Tensor | None:
    return value.detach().float().cpu() if isinstance(value, Tensor) and value.ndim == 2 else None


def _labels(value: Any) -> Tensor | None:
    if not isinstance(value, Tensor) or value.ndim not in (1, 2) or value.is_floating_point():
        return None
    found = value.detach().cpu().long()
    return found[:, None] if found.ndim == 1 else found
