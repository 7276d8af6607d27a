"""Global average pooling."""

from typing import Annotated, Literal

from torch import nn

from composer.ports import Embedding, FeatureMap, Usually

__all__ = ["GlobalAveragePooling"]


class GlobalAveragePooling(nn.Module):
    """The mean of each channel over all positions (Network in Network, arXiv:1312.4400, section 3.2).

    OpenMMLab's takes several levels too; here a level is picked on the wire (``backbone.out[-1]``).

    Keywords: gap, pool, globalaveragepooling2d, globalavgpool, global pooling, global pool, average pooling,
    avgpool, adaptive_avg_pool2d, mean, pooling, neck, flatten, squeeze and excitation squeeze.

    Args:
        dim: Axes of the grid: 1, 2 (height and width) or 3.

    Raises:
        ValueError: In ``forward``, the feature has another number of axes.
    """

    def __init__(self, dim: Literal[1, 2, 3] = 2) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, feature: Annotated[FeatureMap, Usually("ResNet"), "B C ..."]) -> Annotated[Embedding, "B C"]:
        """Average over the grid."""
        if feature.dim() != 2 + self.dim:
            raise ValueError(
                f"found a feature of {feature.dim()} axes, expected {2 + self.dim} (batch, channels and {self.dim} of "
                "a grid): set dim to the number of axes of the grid"
            )
        return feature.flatten(2).mean(dim=2)
