"""Generalized mean pooling."""

from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn

from composer.ports import Embedding, FeatureMap, Usually

__all__ = ["GeneralizedMeanPooling"]


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
