"""How similar embeddings are: to keys and to negatives, to one another, place by place."""

from typing import Annotated, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.distributed import gathered_with_gradient, process_count
from composer.ports import AnyTensor, Augmentation, Embedding, FeatureMap, Score, Usually

__all__ = ["DenseCorrespondence", "KeySimilarity", "PairSimilarity"]

_EPS = 1e-10


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


class _PairSimilarities(NamedTuple):
    pos: Annotated[Score, "P 1"]
    neg: Annotated[Score, "P K"]


class PairSimilarity(nn.Module):
    """Cosines of all pairs of a batch of two views (SimCLR, arXiv:2002.05709, section 2.1).

    The batches of all processes count, where several train together.

    Keywords: simclr, simclr similarity, pairwise cosine, nt-xent, gram matrix, similarity matrix, cosine
    similarity, contrastive.

    Raises:
        ValueError: The rows are not two views of a number of images.
    """

    augmentation: ClassVar[Augmentation] = Augmentation(
        views=[
            [
                {"random_resized_crop": {"scale": [0.08, 1.0]}},
                "flip",
                {"color_jitter": {"brightness": 0.8, "contrast": 0.8, "saturation": 0.8, "hue": 0.2, "p": 0.8}},
                {"grayscale": {"p": 0.2}},
                {"gaussian_blur": {"p": 0.5}},
            ]
        ]
    )
    """SimCLR (arXiv:2002.05709, appendix A)."""

    def forward(self, feature: Annotated[Embedding, Usually("NonLinearNeck"), "M C"]) -> _PairSimilarities:
        """Similarities of each row to its partner [2N, 1] and to the 2N - 2 others [2N, 2N - 2].

        Args:
            feature: The first views of all images, then their second views in the same order: [2N, C].
        """
        if feature.shape[0] % 2:
            raise ValueError(
                f"found {feature.shape[0]} rows, expected the first views of all images and then as many second ones"
            )
        unit = feature / (feature.norm(dim=1, keepdim=True) + _EPS)
        if process_count() > 1:
            unit = _by_view(gathered_with_gradient(unit), process_count())
        images = unit.shape[0] // 2
        row = torch.arange(2 * images, device=unit.device)
        others = _others(row % images, images)
        similarity = unit @ unit.mT
        partner = (row + images) % (2 * images)
        return _PairSimilarities(similarity.gather(1, partner[:, None]), similarity.gather(1, others))


def _by_view(rows: Tensor, processes: int) -> Tensor:
    """Rows that are sorted by process and then by view, sorted by view first."""
    return rows.view(processes, 2, -1, rows.shape[1]).transpose(0, 1).flatten(0, 2)


def _others(image: Tensor, images: int) -> Tensor:
    """For each row the columns of the other images' views, ascending: [2N, 2N - 2]."""
    column = torch.arange(2 * images - 2, device=image.device).expand(2 * images, -1)
    column = column + (column >= image[:, None])
    return column + (column >= image[:, None] + images)


class _Pairs(NamedTuple):
    query: Annotated[Embedding, "P C"]
    key: Annotated[Embedding, "P C"]


class DenseCorrespondence(nn.Module):
    """Pairs each place of one view with the most alike of the other (DenseCL, arXiv:2011.09157, section 3.3).

    Places are matched by the cosine of the backbone's features; what is paired are their embeddings.

    Keywords: dense matching, densecl, feature matching, pixel correspondence, nearest pixel.

    Raises:
        ValueError: There are not as many embeddings as places in the features.
    """

    def forward(
        self,
        query_feature: Annotated[FeatureMap, Usually("ResNet"), "B D H W"],
        key_feature: Annotated[FeatureMap, Usually("ResNet"), "B D H W"],
        query: Annotated[AnyTensor, Usually("DenseCLNeck.dense"), "B C N"],
        key: Annotated[AnyTensor, Usually("DenseCLNeck.dense"), "B C N"],
    ) -> _Pairs:
        """Pairs of embeddings, B * N rows each.

        Args:
            query_feature: The backbone's map of the first view.
            key_feature: The backbone's map of the second view.
            query: An embedding for each place of the first view.
            key: An embedding for each place of the second view.
        """
        places = query_feature.shape[2] * query_feature.shape[3]
        if places != query.shape[2]:
            raise ValueError(
                f"found {query.shape[2]} embeddings of places for features of {places} places, expected one each: "
                "leave num_grid of the neck out, or set it to the side of the backbone's map"
            )
        alike = _unit_places(query_feature).mT @ _unit_places(key_feature)
        nearest = alike.argmax(dim=2)
        matched = key.gather(2, nearest[:, None].expand(-1, key.shape[1], -1))
        return _Pairs(query.mT.flatten(0, 1), matched.mT.flatten(0, 1))


def _unit_places(feature: Tensor) -> Tensor:
    return F.normalize(feature.flatten(2), dim=1)
