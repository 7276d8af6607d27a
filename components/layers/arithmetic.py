"""Sums, products and means."""

import re
from typing import Annotated

import torch
from annotated_types import Ge, MaxLen, MinLen
from torch import Tensor, nn

from components.shared.bounds import Axis
from composer.ports import AnyTensor, Like, Usually

__all__ = [
    "Add",
    "AddBroadcast",
    "Affine",
    "ArgMax",
    "CumulativeSum",
    "Einsum",
    "LogSumExp",
    "MatMul",
    "Max",
    "Mean",
    "Min",
    "Multiply",
    "Scale",
    "Subtract",
    "Sum",
    "Variance",
]

Convolved = Annotated[AnyTensor, Usually("Conv2d"), "..."]
Same = Annotated[Tensor, Like("input"), "..."]

Axes = Axis | Annotated[tuple[Axis, ...], MinLen(1)]


class Add(nn.Module):
    """Sum of tensors of one shape, as at the end of a residual block; ``AddBroadcast`` stretches axes of size 1.

    Keywords: skip, skip connection, plus, residual, residual connection, shortcut, sum, +, elementwise add, merge,
    eltwise, floatfunctional, fuse, resblock.
    """

    def forward(self, *xs: Convolved) -> Annotated[AnyTensor, "..."]:
        total = xs[0]
        for x in xs[1:]:
            total = total + x
        return total


class AddBroadcast(nn.Module):
    """Sum of tensors whose axes of size 1 are stretched: a context [B, C, 1, 1] on a map [B, C, H, W].

    Keywords: broadcast add, add bias, plus, context block, broadcasting.
    """

    def forward(self, *xs: Annotated[AnyTensor, Usually("Conv2d")]) -> AnyTensor:
        total = xs[0]
        for x in xs[1:]:
            total = total + x
        return total


class Subtract(nn.Module):
    """Difference of two tensors of one shape: input - other.

    Keywords: sub, minus, difference, -, residual, diff.
    """

    def forward(self, input: Convolved, other: Convolved) -> Same:
        return input - other


class Multiply(nn.Module):
    """Product of tensors whose axes of size 1 are stretched: a gate [B, C, 1, 1] on a map [B, C, H, W].

    Keywords: mul, times, product, elementwise product, gate, gating, scale, hadamard, attention gate, *, squeeze
    and excitation, squeeze excite, se, senet, prod, mask multiply.
    """

    def forward(self, *xs: Annotated[AnyTensor, Usually("Conv2d")]) -> AnyTensor:
        product = xs[0]
        for x in xs[1:]:
            product = product * x
        return product


class MatMul(nn.Module):
    """Matrix product over the last two axes.

    Keywords: bmm, mm, dot product, matrix multiplication, matrix multiply, dot, einsum, @, attention scores.
    """

    def forward(
        self,
        input: Annotated[AnyTensor, Usually("Linear"), "... M K"],
        other: Annotated[AnyTensor, Usually("Linear"), "... K N"],
    ) -> Annotated[AnyTensor, "... M N"]:
        return torch.matmul(input, other)


class Einsum(nn.Module):
    """Products of tensors, summed over the axes that the result does not have, as ``torch.einsum``.

    Keywords: einstein sum, contraction, tensor product, bmm, einops, attention scores.

    Args:
        equation: The axes of each tensor and of the result: ``bnc,mc->bnm``.

    Raises:
        ValueError: The equation holds something else than letters, commas, dots and an arrow.
    """

    def __init__(self, equation: Annotated[str, MaxLen(200)]) -> None:
        super().__init__()
        if re.fullmatch(r"[A-Za-z., ]+(->[A-Za-z. ]*)?", equation) is None:
            raise ValueError(f"equation={equation!r}: expected the axes of each tensor, as in bnc,mc->bnm")
        self.equation = equation

    def forward(self, *xs: Annotated[AnyTensor, Usually("Linear")]) -> AnyTensor:
        return torch.einsum(self.equation, *xs)


class Affine(nn.Module):
    """factor x + offset, with fixed numbers.

    Keywords: scale and shift, multiply by constant, constant, rescaling, rescale, normalization layer, scalar
    multiply, mul, add constant, image normalize.

    Args:
        factor: What x is multiplied by: 1 / temperature, for instance.
        offset: What is added.
    """

    def __init__(self, factor: float = 1.0, offset: float = 0.0) -> None:
        super().__init__()
        self.factor = factor
        self.offset = offset

    def forward(self, input: Convolved) -> Same:
        return input * self.factor + self.offset


class Scale(nn.Module):
    """x times one learned number.

    Keywords: learnable scale, learned scalar, temperature, scalar multiply, fcos scale, gamma, multiply by number,
    logit scale.

    Args:
        scale: What the number starts from.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, input: Convolved) -> Same:
        return input * self.scale


class Reduction(nn.Module):
    """One number of all along some axes.

    Args:
        dim: The axes.
        keepdim: Whether they stay, with size 1.
    """

    def __init__(self, dim: Axes = (2, 3), keepdim: bool = False) -> None:
        super().__init__()
        self.dim = dim
        self.keepdim = keepdim


class Mean(Reduction):
    """Mean over axes: by default over the rows and columns of a map, global average pooling.

    Keywords: average, avg, reduce mean, global average pooling, gap, globalaveragepooling2d,
    globalaveragepooling1d, mean pooling, average tokens, pool.
    """

    def forward(self, input: Convolved) -> AnyTensor:
        return input.mean(self.dim, self.keepdim)


class Sum(Reduction):
    """Sum over axes.

    Keywords: reduce sum, total, sum pooling, add up, global sum pooling.
    """

    def forward(self, input: Convolved) -> AnyTensor:
        return input.sum(self.dim, self.keepdim)


class Max(Reduction):
    """The largest value over axes: by default over the rows and columns of a map, global max pooling.

    Keywords: amax, global max pooling, max pooling, reduce max, maximum, gmp, globalmaxpooling2d, globalmaxpool.
    """

    def forward(self, input: Convolved) -> AnyTensor:
        return input.amax(self.dim, self.keepdim)


class Min(Reduction):
    """The smallest value over axes.

    Keywords: amin, reduce min, minimum, global min pooling.
    """

    def forward(self, input: Convolved) -> AnyTensor:
        return input.amin(self.dim, self.keepdim)


class LogSumExp(Reduction):
    """Logarithm of the sum of exponentials over axes: a smooth maximum.

    Keywords: lse, logsumexp, smooth max, log partition, energy.
    """

    def forward(self, input: Convolved) -> AnyTensor:
        return input.logsumexp(self.dim, self.keepdim)


class ArgMax(nn.Module):
    """Where the largest value along an axis stands; of several, the first.

    Keywords: argmax, index of the largest, predicted class, winner, place of the maximum.

    Args:
        dim: The axis.
        keepdim: Whether it stays, with size 1.
    """

    def __init__(self, dim: Axis = 1, keepdim: bool = False) -> None:
        super().__init__()
        self.dim = dim
        self.keepdim = keepdim

    def forward(self, input: Convolved) -> AnyTensor:
        return input.argmax(self.dim, self.keepdim)


class CumulativeSum(nn.Module):
    """Sum of all entries of an axis up to each one.

    Keywords: cumsum, running total, prefix sum, integral.

    Args:
        dim: The axis.
    """

    def __init__(self, dim: Axis = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Convolved) -> AnyTensor:
        return input.cumsum(self.dim)


class Variance(Reduction):
    """Variance over axes.

    Keywords: var, std, standard deviation, moments, var_mean.

    Args:
        dim: The axes.
        keepdim: Whether they stay, with size 1.
        correction: What the count of entries is lowered by: 1 for the unbiased estimate.
    """

    def __init__(self, dim: Axes = (2, 3), keepdim: bool = False, correction: Annotated[int, Ge(0)] = 1) -> None:
        super().__init__(dim, keepdim)
        self.correction = correction

    def forward(self, input: Convolved) -> AnyTensor:
        return input.var(self.dim, correction=self.correction, keepdim=self.keepdim)
