"""Average pooling to a small grid."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from composer.ports import FeatureMap, Usually

__all__ = ["AvgPool2dNeck"]


class AvgPool2dNeck(nn.Module):
    """The mean of each channel over the cells of a square grid, as OpenMMLab's DeepCluster has it (arXiv:1807.05520).

    Keywords: average pooling, pooling grid, deepcluster pool, avgpool, pool.

    Args:
        output_size: Rows and columns of the grid; 1 averages the whole map.
    """

    def __init__(self, output_size: Annotated[int, Ge(1)] = 1) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(output_size)

    def forward(
        self, feature: Annotated[FeatureMap, Usually("ResNet"), "B C H W"]
    ) -> Annotated[FeatureMap, "B C output_size output_size"]:
        return self.avgpool(feature)
