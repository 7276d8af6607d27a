"""Layers that mix the last axis."""

from typing import Annotated

from torch import nn
from torch.nn import functional as F

from components.shared.bounds import Count
from composer.ports import AnyTensor, Usually

__all__ = ["Linear"]


class Linear(nn.Linear):
    """y = x Wᵀ + b on the last axis, as ``torch.nn.Linear``.

    Keywords: fc, dense, mlp, fully connected, linear layer, innerproduct, affine layer, perceptron, feedforward,
    projection, weight matrix, matmul with weights, addmm, gemm, head, lazylinear.

    Args:
        in_features: Size of the last axis of the input.
        out_features: Size of the last axis of the output.
        bias: Whether b is there.
    """

    def __init__(self, in_features: Count, out_features: Count, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias)

    def forward(
        self, input: Annotated[AnyTensor, Usually("Flatten"), "... in_features"]
    ) -> Annotated[AnyTensor, "... out_features"]:
        return F.linear(input, self.weight, self.bias)
