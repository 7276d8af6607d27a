"""Layers that act in training only, or scale a branch."""

from typing import Annotated

from annotated_types import Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared import transformer
from components.shared.bounds import Count, Probability
from composer.ports import AnyTensor, FeatureMap, Like, Usually

__all__ = ["DropPath", "Dropout", "Dropout2d", "LayerScale"]


class Dropout(nn.Dropout):
    """Sets elements to zero at random in training and scales the others up, as ``torch.nn.Dropout``.

    Keywords: drop, regularization, regularisation, regularize, dropout1d.

    Args:
        p: Chance of an element to be zero.
    """

    def __init__(self, p: Probability = 0.5) -> None:
        super().__init__(p)

    def forward(self, input: Annotated[AnyTensor, Usually("Linear"), "..."]) -> Annotated[Tensor, Like("input"), "..."]:
        return F.dropout(input, self.p, self.training)


class Dropout2d(nn.Dropout2d):
    """Sets whole channels to zero at random in training and scales the others up, as ``torch.nn.Dropout2d``.

    Keywords: spatial dropout, spatialdropout2d, channel dropout, dropoutnd, drop, regularization.

    Args:
        p: Chance of a channel to be zero.
    """

    def __init__(self, p: Probability = 0.5) -> None:
        super().__init__(p)

    def forward(
        self, input: Annotated[FeatureMap, Usually("Conv2d"), "B C H W"]
    ) -> Annotated[Tensor, Like("input"), "B C H W"]:
        return F.dropout2d(input, self.p, self.training)


class DropPath(transformer.DropPath):
    """Leaves a residual branch out at random in training, sample by sample (stochastic depth, arXiv:1603.09382).

    Keywords: stochastic depth, drop connect, droplayer, drop, regularization.

    Args:
        drop_prob: Chance of a sample to lose the branch; the others are scaled up.
    """

    def __init__(self, drop_prob: Annotated[float, Interval(ge=0, lt=1)] = 0.1) -> None:
        super().__init__(drop_prob)

    def forward(
        self, input: Annotated[AnyTensor, Usually("TransformerEncoderLayer"), "B ..."]
    ) -> Annotated[Tensor, Like("input"), "B ..."]:
        return super().forward(input)


class LayerScale(transformer.LayerScale):
    """A learned scale of each channel, small at first, at the end of a residual branch (CaiT, arXiv:2103.17239).

    Keywords: gamma, cait, convnext scale, learnable scale, per-channel scale.

    Args:
        dim: Size of the last axis.
        layer_scale_init_value: What the scales start from.
    """

    def __init__(self, dim: Count, layer_scale_init_value: float = 1e-5) -> None:
        super().__init__(dim, layer_scale_init_value)

    def forward(
        self, input: Annotated[AnyTensor, Usually("TransformerEncoderLayer"), "... dim"]
    ) -> Annotated[Tensor, Like("input"), "... dim"]:
        return input * self.weight
