"""Similarity of queries to their keys and to negatives."""

from typing import Annotated, NamedTuple

from torch import nn

from composer.ports import AnyTensor, Embedding, Score, Usually

__all__ = ["KeySimilarity"]


class _Similarities(NamedTuple):
    pos: Annotated[Score, "N 1"]
    neg: Annotated[Score, "N K"]


class KeySimilarity(nn.Module):
    """Dot products of each query with its own key and with every negative (MoCo, arXiv:1911.05722, equation 1).

    Queries, keys and negatives of length one make them cosines.

    Keywords: moco similarity, infonce logits, dot product, positives and negatives, query key, moco, momentum
    encoder, contrastive.
    """

    def forward(
        self,
        query: Annotated[Embedding, Usually("MoCoV2Neck"), "N C"],
        key: Annotated[Embedding, Usually("MoCoV2Neck"), "N C"],
        negatives: Annotated[AnyTensor, Usually("NegativeQueue"), "C K"],
    ) -> _Similarities:
        """The similarity to the own key [N, 1], and those to the negatives, one a column [N, K]."""
        return _Similarities((query * key).sum(dim=1, keepdim=True), query @ negatives)
