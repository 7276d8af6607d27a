"""Predictions and rankings from the scores of classes and the similarities of samples."""

from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from components.shared.augmentations import RETRIEVAL
from components.shared.bounds import Count
from composer.ports import Augmentation, Embedding, InputError, Label, Score, Usually

__all__ = ["ClassPrediction", "MultiLabelPrediction", "SimilarityRanking"]

_HALF = 0.5


class Prediction(NamedTuple):
    """The score of each class, and the class with the highest."""

    scores: Annotated[Score, "B K"]
    labels: Annotated[Label, "B"]


class MultiLabels(NamedTuple):
    """The score of each class, and 1 for each class that is predicted."""

    scores: Annotated[Score, "B K"]
    labels: Annotated[Label, "B K"]


class ClassPrediction(nn.Module):
    """Scores from 0 to 1, and the class with the highest (what OpenMMLab's ClsHead predicts).

    Keywords: argmax, softmax, predict, predicted class, prediction, classification prediction, probabilities,
    top-1, topk, output, answer, scores, inference, class probabilities, postprocessing.

    One logit separates two classes: its score is that of class 1, which is predicted from more than 0.5 on.

    Args:
        mode: ``softmax`` for classes that exclude each other; ``sigmoid`` scores each class by itself. None takes
            softmax, and sigmoid for one logit.

    Raises:
        ValueError: In ``forward``: ``softmax`` meets one logit.
    """

    def __init__(self, mode: Literal["softmax", "sigmoid"] | None = None) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, logits: Annotated[Embedding, Usually("LinearClsHead"), "B K"]) -> Prediction:
        """Softmax or sigmoid, then argmax."""
        single = logits.shape[1] == 1
        if single and self.mode == "softmax":
            raise InputError("logits", "found one, whose softmax is always 1: set mode to sigmoid, or leave it out")
        scores = logits.sigmoid() if single or self.mode == "sigmoid" else logits.softmax(dim=1)
        return Prediction(scores, (scores[:, 0] > _HALF).long() if single else scores.argmax(dim=1))


class MultiLabelPrediction(nn.Module):
    """Sigmoid scores, and every class whose score is high (what OpenMMLab's MultiLabelClsHead predicts).

    ``labels`` is 1 for predicted classes and 0 for others, where OpenMMLab lists the classes' indices.

    Keywords: multi-label, sigmoid prediction, threshold, multi-hot, tagging, prediction, thresholding.

    Args:
        thr: Classes with at least this score are predicted; goes before ``topk``. With neither it is 0.5.
        topk: This many classes with the highest scores are predicted.
    """

    def __init__(
        self,
        thr: Annotated[float, Interval(ge=0, le=1)] | None = None,
        topk: Count | None = None,
    ) -> None:
        super().__init__()
        self.thr = 0.5 if thr is None and topk is None else thr
        self.topk = topk or 1

    def forward(self, logits: Annotated[Embedding, Usually("LinearClsHead"), "B K"]) -> MultiLabels:
        """Sigmoid, then the threshold or the highest ones."""
        scores = logits.sigmoid()
        return MultiLabels(scores, self._chosen(scores))

    def _chosen(self, scores: Tensor) -> Tensor:
        if self.thr is not None:
            return (scores >= self.thr).long()
        highest = scores.topk(min(self.topk, scores.shape[1]), dim=1).indices
        return torch.zeros_like(scores, dtype=torch.long).scatter(1, highest, 1)


class Ranking(NamedTuple):
    """Similarities, and the prototypes in their order."""

    scores: Annotated[Score, "B N"]
    labels: Annotated[Label, "B K"]


class SimilarityRanking(nn.Module):
    """The prototypes, most similar first, as OpenMMLab's ImageToImageRetriever predicts.

    ``scores`` are the similarities as they came, in the prototypes' order; ``labels`` the prototypes' indices by
    falling similarity, of equal ones the first.

    Keywords: ranking, retrieval, top-k, sort, argsort, nearest neighbour, nearest neighbor, knn, image retrieval.

    Args:
        topk: How many indices are given; -1 gives all, and there are never more than prototypes.

    Raises:
        ValueError: ``topk`` is 0.
    """

    augmentation: ClassVar[Augmentation] = RETRIEVAL

    def __init__(self, topk: Annotated[int, Ge(-1)] = -1) -> None:
        super().__init__()
        if topk == 0:
            raise ValueError("found topk 0, expected -1 (all) or at least 1")
        self.topk = topk

    def forward(self, similarity: Annotated[Score, Usually("PrototypeSimilarity"), "B N"]) -> Ranking:
        """Sort by falling similarity."""
        count = similarity.shape[1]
        kept = count if self.topk == -1 else min(self.topk, count)
        order = similarity.argsort(dim=1, descending=True, stable=True)
        return Ranking(similarity, order[:, :kept])
