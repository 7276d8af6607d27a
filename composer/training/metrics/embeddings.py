"""How well embeddings separate classes: by the nearest training samples, or by ranking each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from composer.problems import GraphError, Problem, Where
from composer.training.data.batch import Batch
from composer.training.data.samples import Source
from composer.training.metrics.classification import average_precision
from composer.training.metrics.metric import Metric, on_cpu, share

__all__ = ["NearestNeighbours", "Retrieval", "embedding"]

_CHUNK = 1024


class NearestNeighbours(Metric):
    """k-NN accuracy: the share of samples whose nearest training samples are mostly of their class.

    Nearest by the cosine of embeddings; where two classes have as many, the one with the lower index counts.

    Args:
        source: The samples that are measured; their column ``label`` says what is right.
        train: The samples that neighbours are looked for in.
        k: How many neighbours vote.
        output: The output of tensor mode that is the embedding; by default the first.
    """

    mode = "tensor"
    refers = True

    def __init__(self, source: Source, train: Source, k: int = 20, output: str | None = None) -> None:
        self.source = source
        self.train = train
        self.k = k
        self.output = output
        self.reset()

    def refer_to(self, source: Source) -> None:
        """Say which training samples it will see."""
        self.train = source

    def refer(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See training samples."""
        self._known.append(self._rows(outputs, batch, self.train))

    def update(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch."""
        self._asked.append(self._rows(outputs, batch, self.source))

    def value(self) -> dict[str, float]:
        """``knn``."""
        if not self._known or not self._asked:
            return {"knn": float("nan")}
        bank, labels = _joined(self._known)
        asked, wanted = _joined(self._asked)
        classes = int(labels.max()) + 1
        right = 0
        for vectors, expected in zip(torch.split(asked, _CHUNK), torch.split(wanted, _CHUNK), strict=True):
            nearest = (vectors @ bank.mT).topk(min(self.k, len(bank)), dim=1).indices
            votes = torch.zeros(len(vectors), classes).scatter_add_(1, labels[nearest], torch.ones(nearest.shape))
            right += int((votes.argmax(dim=1) == expected).sum())
        return {"knn": share(right, len(wanted))}

    def state(self) -> Any:
        """The embeddings."""
        return self._known, self._asked

    def merge(self, states: Sequence[Any]) -> None:
        """Put them together."""
        self._known, self._asked = ([part for state in states for part in state[place]] for place in range(2))

    def _rows(self, outputs: Mapping[str, Any], batch: Batch, source: Source) -> tuple[Tensor, Tensor, Tensor]:
        return on_cpu(embedding(outputs, self.output)), _labels(source, batch), torch.tensor(batch.indices)

    def _fresh(self) -> dict[str, Any]:
        return {"_known": [], "_asked": []}

    _known: list[tuple[Tensor, Tensor, Tensor]]
    _asked: list[tuple[Tensor, Tensor, Tensor]]


class Retrieval(Metric):
    """Recall at k and mean average precision, where each sample ranks all others by the cosine of embeddings.

    Recall at k is the share of samples with one of their class among the first k (Recall@K of the metric-learning
    benchmarks, arXiv:1511.06452, section 5). Samples that are alone in their class are ranked but ask nothing.

    Args:
        source: The samples; their column ``label`` says which belong together.
        top: For which k.
        output: The output of tensor mode that is the embedding; by default the first.
    """

    mode = "tensor"

    def __init__(self, source: Source, top: Sequence[int] = (1, 5), output: str | None = None) -> None:
        self.source = source
        self.top = tuple(top)
        self.output = output
        self.reset()

    def update(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch."""
        found = on_cpu(embedding(outputs, self.output))
        self._rows.append((found, _labels(self.source, batch), torch.tensor(batch.indices)))

    def value(self) -> dict[str, float]:
        """``recall_at_1``, ``recall_at_5``, ``map``."""
        names = [*(f"recall_at_{k}" for k in self.top), "map"]
        if not self._rows:
            return dict.fromkeys(names, float("nan"))
        vectors, labels = _joined(self._rows)
        hits, precisions, asked = [0] * len(self.top), 0.0, 0
        for start in range(0, len(labels), _CHUNK):
            scores = vectors[start : start + _CHUNK] @ vectors.mT
            own = torch.arange(start, start + len(scores))
            scores[torch.arange(len(scores)), own] = -torch.inf
            for row, index in zip(scores, own.tolist(), strict=True):
                right = labels == labels[index]
                right[index] = False
                if not right.any():
                    continue
                asked += 1
                best = row.topk(min(max(self.top), len(row) - 1)).indices
                found = right[best]
                hits = [count + bool(found[:k].any()) for count, k in zip(hits, self.top, strict=True)]
                others = torch.arange(len(row)) != index
                precisions += float(average_precision(row[others], right[others]))
        return dict(zip(names, [*(share(count, asked) for count in hits), share(precisions, asked)], strict=True))

    def state(self) -> Any:
        """The embeddings."""
        return self._rows

    def merge(self, states: Sequence[Any]) -> None:
        """Put them together."""
        self._rows = [row for state in states for row in state]

    def _fresh(self) -> dict[str, Any]:
        return {"_rows": []}

    _rows: list[tuple[Tensor, Tensor, Tensor]]


def embedding(outputs: Mapping[str, Any], name: str | None = None) -> Tensor:
    """One vector of length 1 for each sample, [B, C].

    A map [B, C, H, W] and tokens [B, N, C] are averaged over their places; a class token in front of a square of
    tokens is left out.

    Args:
        outputs: What tensor mode gave.
        name: Which output; by default the first that is a tensor of floats.

    Raises:
        GraphError: There is none.
    """
    if name is not None and name not in outputs:
        text = f"tensor mode gives {', '.join(outputs)}; '{name}' is none of them"
        raise GraphError(Problem("no-metric", Where("outputs.tensor"), text))
    given = outputs.values() if name is None else [outputs[name]]
    for value in given:
        last = value[-1] if isinstance(value, list | tuple) and value else value
        if isinstance(last, Tensor) and last.is_floating_point() and last.dim() in (2, 3, 4):
            return F.normalize(_flat(last).float(), eps=1e-8)
    text = f"tensor mode gives {', '.join(outputs) or 'nothing'}; expected an embedding [B, C], a map or tokens"
    raise GraphError(Problem("no-metric", Where("outputs.tensor"), text))


def _labels(source: Source, batch: Batch) -> Tensor:
    """The class of each sample, which the graph need not take."""
    return torch.tensor([int(source[index]["label"]) for index in batch.indices])


def _flat(value: Tensor) -> Tensor:
    if value.dim() == 4:
        return value.mean(dim=(2, 3))
    if value.dim() == 3:
        side = round((value.shape[1] - 1) ** 0.5)
        with_class = value.shape[1] > 1 and side * side == value.shape[1] - 1
        return value[:, 1:].mean(dim=1) if with_class else value.mean(dim=1)
    return value


def _joined(rows: Sequence[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Vectors and labels in the order of the data, so that several processes give what one gives."""
    vectors, labels, indices = (torch.cat([row[place] for row in rows]) for place in range(3))
    order = indices.argsort(stable=True)
    return vectors[order], labels[order]
