"""Features averaged over their places, or over a grid."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import nn

from components.shared.bounds import Count
from composer.ports import Embedding, FeatureMap, Usually

__all__ = ["AvgPool2dNeck", "GeneralizedMeanPooling", "GlobalAveragePooling"]


class AvgPool2dNeck(nn.Module):
    """The mean of each channel over the cells of a square grid, as OpenMMLab's DeepCluster has it (arXiv:1807.05520).

    Keywords: average pooling, pooling grid, deepcluster pool, avgpool, pool.

    Args:
        output_size: Rows and columns of the grid; 1 averages the whole map.
    """

    def __init__(self, output_size: Count = 1) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(output_size)

    def forward(
        self, feature: Annotated[FeatureMap, Usually("ResNet"), "B C H W"]
    ) -> Annotated[FeatureMap, "B C output_size output_size"]:
        return self.avgpool(feature)


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


class GeneralizedMeanPooling(nn.Module):
    """The p-mean of each channel over all positions, with a learned exponent (GeM, arXiv:1711.02512, equation 3).

    p of 1 is the average; the larger it is, the nearer to the maximum. OpenMMLab's takes several levels too; here a
    level is picked on the wire (``backbone.out[-1]``).

    Keywords: gem, gem pooling, gem pool, p-mean, power mean, retrieval pooling, pool, pooling.

    Args:
        p: The exponent at the start, at least 1.
        eps: Smaller values are raised to this one, where ``clamp`` is on.
        clamp: Whether small values are raised; without it negative ones have no power.
        p_trainable: Whether the exponent is learned.
    """

    def __init__(
        self,
        p: Annotated[float, Ge(1)] = 3.0,
        eps: Annotated[float, Gt(0)] = 1e-6,
        clamp: bool = True,
        p_trainable: bool = True,
    ) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), float(p)), requires_grad=p_trainable)
        self.eps = eps
        self.clamp = clamp

    def forward(self, feature: Annotated[FeatureMap, Usually("ResNet"), "B C H W"]) -> Annotated[Embedding, "B C"]:
        """(mean x^p)^(1/p)."""
        raised = feature.clamp(min=self.eps) if self.clamp else feature
        return raised.pow(self.p).mean(dim=(2, 3)).pow(1 / self.p)
