"""Predictions of retrieval."""

from typing import Annotated, NamedTuple

from annotated_types import Ge
from torch import nn

from composer.ports import Label, Score, Usually

__all__ = ["SimilarityRanking"]


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
