"""Which place of one view shows what a place of the other shows."""

from typing import Annotated, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from composer.ports import AnyTensor, Embedding, FeatureMap, Usually

__all__ = ["DenseCorrespondence"]


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
