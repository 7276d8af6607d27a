"""How often the right class is answered."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from composer.problems import GraphError, Problem, Where
from composer.run.answers import class_name
from composer.training.data.batch import Batch
from composer.training.metrics.metric import Metric, number, on_cpu, share, summed

__all__ = ["Accuracy", "MultiLabel", "average_precision"]

_MOST_CONFUSED = 1000
"""Classes of which a confusion matrix is kept, at most; of more only the right answers of each."""
_LOOKED_AT = 100
"""Samples of a kind that are named, at most."""


class Accuracy(Metric):
    """Top-1 and top-k accuracy, the mean over classes, the confusion matrix, and precision and recall of each class.

    A sample whose label is negative (unknown) does not count.

    Args:
        field: The data sample that holds the labels [B].
        names: The names of the classes.
        top: For which k it is counted whether the right class is among the k with the highest scores.
        mode: The forward mode that gives ``labels`` [B] or scores [B, K].
    """

    def __init__(
        self, field: str = "label", names: Sequence[str] = (), top: Sequence[int] = (), mode: str = "predict"
    ) -> None:
        self.field = field
        self.names = tuple(names)
        self.top = tuple(top)
        self.mode = mode
        self.reset()

    def update(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch."""
        scores, answers = scores_and_labels(outputs, self.mode)
        wanted = _labels(batch, self.field).to(answers.device)
        counted = wanted >= 0
        classes = max(len(self.names), scores.shape[1] if scores is not None else 0, 2)
        if self._counts is None:
            shape = (classes + 1, classes + 1) if classes <= _MOST_CONFUSED else (classes + 1, 3)
            self._counts = torch.zeros(shape, dtype=torch.int64, device=answers.device)
            self._tops = torch.zeros(len(self.top), dtype=torch.int64, device=answers.device)
        size = len(self._counts)  # the last one is what is no class of the graph: it is never right
        rows = wanted[counted].clamp(max=size - 1)
        columns = torch.where(answers < 0, size - 1, answers)[counted].clamp(max=size - 1)
        if self._counts.shape[1] == size:
            self._counts += torch.bincount(rows * size + columns, minlength=size * size).reshape(size, size)
        else:
            kinds = [torch.bincount(kind, minlength=size) for kind in (rows[rows == columns], rows, columns)]
            self._counts += torch.stack(kinds, dim=1)
        self._note(scores, answers, wanted, batch)
        if scores is not None and self.top:
            most = min(max(self.top), scores.shape[1])
            among = (scores.topk(most, dim=1).indices == wanted[:, None])[counted]
            self._tops += torch.stack([among[:, :k].any(dim=1).sum() for k in self.top])

    def value(self) -> dict[str, float]:
        """``accuracy``, ``top_5``, ``mean_class_accuracy``."""
        if self._counts is None:
            return dict.fromkeys(["accuracy", *(f"top_{k}" for k in self.top), "mean_class_accuracy"], float("nan"))
        hits, wanted, _ = self._by_class()
        total = int(self._total())
        seen = wanted > 0
        tops = {f"top_{k}": share(int(count), total) for k, count in zip(self.top, self._tops, strict=True)}
        mean = (hits[seen].double() / wanted[seen].double()).mean()
        return {"accuracy": share(int(hits.sum()), total), **tops, "mean_class_accuracy": float(mean)}

    def details(self) -> dict[str, Any]:
        """What is behind the numbers.

        Returns:
            ``classes`` (precision, recall, count of each), ``confusion`` (rows are right, columns are answered), and
            samples to look at: ``wrong``, the surest wrong answers, and ``uncertain``, those with the lowest score.
        """
        if self._counts is None:
            return {}
        hits, wanted, answered = (counts.tolist() for counts in self._by_class())
        classes = [
            {
                "name": class_name(self.names, label),
                "precision": number(share(hits[label], answered[label])),
                "recall": number(share(hits[label], wanted[label])),
                "count": wanted[label],
            }
            for label in range(len(wanted))
        ]
        if self._counts.shape[0] != self._counts.shape[1]:
            return {"classes": classes, **self._looked_at()}
        return {"classes": classes, "confusion": self._counts[:-1, :-1].tolist(), **self._looked_at()}

    def state(self) -> Any:
        """The counts."""
        return None if self._counts is None else (on_cpu(self._counts), on_cpu(self._tops), self._answered())

    def merge(self, states: Sequence[Any]) -> None:
        """Add them up."""
        held = [state for state in states if state is not None]
        self.reset()
        if held:
            self._counts, self._tops = (summed([state[place] for state in held]) for place in range(2))
            self._samples = [part for state in held for part in state[2]]

    def _note(self, scores: Tensor | None, answers: Tensor, wanted: Tensor, batch: Batch) -> None:
        """Keep the answer to each sample; it stays on the device until it is asked for."""
        best = torch.ones(len(answers)) if scores is None else scores.max(dim=1).values
        rows = torch.stack([value.double().to(answers.device) for value in (wanted, answers, best)], dim=1)
        self._samples.append((list(batch.indices), list(batch.names), rows))

    def _answered(self) -> list[tuple[list[int], list[str], Tensor]]:
        return [(indices, names, rows.cpu()) for indices, names, rows in self._samples]

    def _looked_at(self) -> dict[str, Any]:
        """The samples that are worth a look."""
        rows = [
            {"index": index, "name": name, "label": int(label), "answer": int(answer), "score": number(score)}
            for indices, names, values in self._answered()
            for index, name, (label, answer, score) in zip(indices, names, values.tolist(), strict=True)
            if label >= 0
        ]
        rows.sort(key=lambda row: (row["score"] is None, row["score"] or 0.0, row["index"]))
        wrong = [row for row in reversed(rows) if row["label"] != row["answer"]]
        return {"wrong": wrong[:_LOOKED_AT], "uncertain": rows[:_LOOKED_AT]}

    def _by_class(self) -> tuple[Tensor, Tensor, Tensor]:
        """Right answers, samples and answers of each class of the graph."""
        assert self._counts is not None
        counts = self._counts.cpu()
        if counts.shape[0] != counts.shape[1]:
            return counts[:-1, 0], counts[:-1, 1], counts[:-1, 2]
        return counts.diagonal()[:-1], counts.sum(dim=1)[:-1], counts.sum(dim=0)[:-1]

    def _total(self) -> Tensor:
        """All samples that count."""
        assert self._counts is not None
        square = self._counts.shape[0] == self._counts.shape[1]
        return self._counts.sum() if square else self._counts[:, 1].sum()

    def _fresh(self) -> dict[str, Any]:
        return {"_counts": None, "_tops": None, "_samples": []}

    _counts: Tensor | None
    _tops: Tensor
    _samples: list[tuple[list[int], list[str], Tensor]]


class MultiLabel(Metric):
    """Several classes at once: mean average precision over classes, and F1.

    The average precision of a class is the area under its precision-recall curve, summed at each sample of the class
    (the mean over classes is VOC's mAP without interpolation, as in mmpretrain ``AveragePrecision``).

    Args:
        field: The data sample with 1 for each class of the sample [B, K]; negative where it is not known.
        names: The names of the classes.
    """

    def __init__(self, field: str = "label", names: Sequence[str] = ()) -> None:
        self.field = field
        self.names = tuple(names)
        self.reset()

    def update(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch."""
        scores = next((value for value in _tensors(outputs, 2) if value.is_floating_point()), None)
        if scores is None:
            raise _cannot_count(self.mode, outputs, "scores [B, K]")
        flags = next((value for value in _tensors(outputs, 2) if not value.is_floating_point()), scores > 0.5)
        self._scores.append(on_cpu(scores.float()))
        self._flags.append(on_cpu(flags > 0))
        self._wanted.append(on_cpu(torch.as_tensor(batch.samples[self.field]).float()))

    def value(self) -> dict[str, float]:
        """``map``, ``f1`` (over all answers) and ``mean_class_f1``."""
        if not self._scores:
            return dict.fromkeys(["map", "f1", "mean_class_f1"], float("nan"))
        precisions, f1, overall = self._by_class()
        return {"map": float(precisions.nanmean()), "f1": overall, "mean_class_f1": float(f1.nanmean())}

    def details(self) -> dict[str, Any]:
        """``classes``: average precision and F1 of each."""
        if not self._scores:
            return {}
        precisions, f1, _ = self._by_class()
        rows = enumerate(zip(precisions.tolist(), f1.tolist(), strict=True))
        return {
            "classes": [{"name": class_name(self.names, k), "ap": number(a), "f1": number(b)} for k, (a, b) in rows]
        }

    def state(self) -> Any:
        """Scores, answers and labels."""
        return self._scores, self._flags, self._wanted

    def merge(self, states: Sequence[Any]) -> None:
        """Put them one after the other."""
        self._scores, self._flags, self._wanted = ([part for state in states for part in state[k]] for k in range(3))

    def _by_class(self) -> tuple[Tensor, Tensor, float]:
        scores, flags, wanted = (torch.cat(parts) for parts in (self._scores, self._flags, self._wanted))
        known, right = wanted >= 0, wanted > 0.5
        precisions = torch.stack(
            [average_precision(scores[known[:, k], k], right[known[:, k], k]) for k in range(scores.shape[1])]
        )
        hits = (flags & right & known).sum(dim=0).double()
        both = ((flags & known).sum(dim=0) + (right & known).sum(dim=0)).double()
        return precisions, 2 * hits / both, share(2 * float(hits.sum()), float(both.sum()))

    def _fresh(self) -> dict[str, Any]:
        return {"_scores": [], "_flags": [], "_wanted": []}

    _scores: list[Tensor]
    _flags: list[Tensor]
    _wanted: list[Tensor]


def average_precision(scores: Tensor, right: Tensor) -> Tensor:
    """The mean, over the right ones, of the share of right ones down to each by falling score; NaN without any.

    Args:
        scores: [N].
        right: Which are right, [N] (bool).
    """
    ordered = right[scores.argsort(descending=True, stable=True)].double()
    precision = ordered.cumsum(0) / torch.arange(1, len(ordered) + 1, dtype=torch.double)
    return (precision * ordered).sum() / ordered.sum()


def scores_and_labels(outputs: Mapping[str, Any], mode: str) -> tuple[Tensor | None, Tensor]:
    """Scores [B, K], where there are any, and the class that is answered [B].

    Raises:
        GraphError: The outputs hold neither scores nor labels of classes.
    """
    floats = [value for value in _tensors(outputs, 2) if value.is_floating_point()]
    named = outputs.get("scores")
    scores = named if any(named is value for value in floats) else floats[0] if floats else None
    labels = next((value for value in _tensors(outputs, 1) if not value.is_floating_point()), None)
    if labels is None:
        ranked = next((value for value in _tensors(outputs, 2) if not value.is_floating_point()), None)
        if ranked is None and scores is None:
            raise _cannot_count(mode, outputs, "labels [B] or scores [B, K]")
        labels = ranked[:, 0] if ranked is not None else scores.argmax(dim=1) if scores is not None else labels
    assert labels is not None
    if scores is not None and scores.shape[1] == 1:
        scores = torch.cat([1 - scores, scores], dim=1)
    return scores, labels.long()


def _tensors(outputs: Mapping[str, Any], dims: int) -> list[Tensor]:
    return [value for value in outputs.values() if isinstance(value, Tensor) and value.dim() == dims]


def _labels(batch: Batch, field: str) -> Tensor:
    """The class of each sample; of soft labels [B, K] the strongest."""
    found = torch.as_tensor(batch.samples[field])
    return found.argmax(dim=1) if found.dim() == 2 else found.long()


def _cannot_count(mode: str, outputs: Mapping[str, Any], expected: str) -> GraphError:
    text = f"{mode} mode gives {', '.join(outputs) or 'nothing'}; this metric needs {expected} among its outputs"
    return GraphError(Problem("no-metric", Where(f"outputs.{mode}"), text))
