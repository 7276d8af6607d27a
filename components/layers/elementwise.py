"""Functions of single numbers, and of two tensors number by number."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composer.ports import AnyTensor, Like, Mask, Usually

__all__ = [
    "Cast",
    "Clamp",
    "Compare",
    "Divide",
    "Elementwise",
    "MaskedFill",
    "Maximum",
    "Minimum",
    "Pairwise",
    "Power",
    "Where",
]

Convolved = Annotated[AnyTensor, Usually("Conv2d"), "..."]
Same = Annotated[Tensor, Like("input"), "..."]
Stretched = Annotated[AnyTensor, Usually("Linear")]

_FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "abs": torch.abs,
        "acos": torch.acos,
        "acosh": torch.acosh,
        "asin": torch.asin,
        "asinh": torch.asinh,
        "atan": torch.atan,
        "atanh": torch.atanh,
        "ceil": torch.ceil,
        "cos": torch.cos,
        "cosh": torch.cosh,
        "erf": torch.erf,
        "exp": torch.exp,
        "exp2": torch.exp2,
        "expm1": torch.expm1,
        "floor": torch.floor,
        "isnan": torch.isnan,
        "log": torch.log,
        "log10": torch.log10,
        "log1p": torch.log1p,
        "log2": torch.log2,
        "logical_not": torch.logical_not,
        "logsigmoid": F.logsigmoid,
        "reciprocal": torch.reciprocal,
        "round": torch.round,
        "rsqrt": torch.rsqrt,
        "selu": F.selu,
        "sign": torch.sign,
        "sin": torch.sin,
        "sinh": torch.sinh,
        "softsign": F.softsign,
        "sqrt": torch.sqrt,
        "square": torch.square,
        "tan": torch.tan,
        "tanhshrink": F.tanhshrink,
        "trunc": torch.trunc,
    }
)

_COMPARISONS: Mapping[str, Callable[[Tensor, float], Tensor]] = MappingProxyType(
    {"eq": torch.eq, "ge": torch.ge, "gt": torch.gt, "le": torch.le, "lt": torch.lt, "ne": torch.ne}
)

_OF_TWO: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "atan2": torch.atan2,
        "eq": torch.eq,
        "floor_divide": torch.floor_divide,
        "fmod": torch.fmod,
        "ge": torch.ge,
        "gt": torch.gt,
        "le": torch.le,
        "logical_and": torch.logical_and,
        "logical_or": torch.logical_or,
        "logical_xor": torch.logical_xor,
        "lt": torch.lt,
        "ne": torch.ne,
        "pow": torch.pow,
        "remainder": torch.remainder,
    }
)


class Elementwise(nn.Module):
    """A function of each number by itself, by its name in torch.

    Keywords: exp, log, sqrt, rsqrt, abs, absolute, sin, cos, floor, ceil, round, sign, reciprocal, erf, square, log1p,
    expm1, unary, pointwise, function, lambda, sinh, cosh, asin, acos, atan, selu, softsign, logsigmoid, isnan, trunc.

    Args:
        function: The function.
    """

    def __init__(
        self,
        function: Literal[
            "abs",
            "acos",
            "acosh",
            "asin",
            "asinh",
            "atan",
            "atanh",
            "ceil",
            "cos",
            "cosh",
            "erf",
            "exp",
            "exp2",
            "expm1",
            "floor",
            "isnan",
            "log",
            "log10",
            "log1p",
            "log2",
            "logical_not",
            "logsigmoid",
            "reciprocal",
            "round",
            "rsqrt",
            "selu",
            "sign",
            "sin",
            "sinh",
            "softsign",
            "sqrt",
            "square",
            "tan",
            "tanhshrink",
            "trunc",
        ],
    ) -> None:
        super().__init__()
        self.function = function

    def forward(self, input: Convolved) -> Same:
        return _FUNCTIONS[self.function](input)


class Power(nn.Module):
    """Each number to a fixed power.

    Keywords: pow, square, cube, square root, exponent, **, gem.

    Args:
        exponent: The power.
    """

    def __init__(self, exponent: float = 2.0) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, input: Convolved) -> Same:
        return input.pow(self.exponent)


class Clamp(nn.Module):
    """Each number kept within bounds.

    Keywords: clip, hardtanh, limit, clamp_min, clamp_max, truncate values.

    Args:
        min: The least value; None for no bound.
        max: The largest value; None for no bound.

    Raises:
        ValueError: Neither bound is given.
    """

    def __init__(self, min: float | None = None, max: float | None = None) -> None:
        super().__init__()
        if min is None and max is None:
            raise ValueError("min and max are both None: give at least one of them")
        self.min = min
        self.max = max

    def forward(self, input: Convolved) -> Same:
        return input.clamp(self.min, self.max)


class Divide(nn.Module):
    """input / other, with axes of size 1 stretched.

    Keywords: div, quotient, ratio, true divide, /, normalise by.
    """

    def forward(self, input: Stretched, other: Stretched) -> AnyTensor:
        return input / other


class Maximum(nn.Module):
    """The larger of two numbers, place by place, with axes of size 1 stretched.

    Keywords: max of two, elementwise max, maxout.
    """

    def forward(self, input: Stretched, other: Stretched) -> AnyTensor:
        return torch.maximum(input, other)


class Minimum(nn.Module):
    """The smaller of two numbers, place by place, with axes of size 1 stretched.

    Keywords: min of two, elementwise min.
    """

    def forward(self, input: Stretched, other: Stretched) -> AnyTensor:
        return torch.minimum(input, other)


class Pairwise(nn.Module):
    """A function of two numbers, place by place, by its name in torch, with axes of size 1 stretched.

    Keywords: greater, less, equal, comparison of tensors, logical_and, logical_or, and, or, xor, remainder, modulo,
    fmod, floor_divide, integer division, atan2, pow, binary function, mask of two.

    Args:
        function: The function. Comparisons and those of logic give truth values.
    """

    def __init__(
        self,
        function: Literal[
            "atan2",
            "eq",
            "floor_divide",
            "fmod",
            "ge",
            "gt",
            "le",
            "logical_and",
            "logical_or",
            "logical_xor",
            "lt",
            "ne",
            "pow",
            "remainder",
        ] = "eq",
    ) -> None:
        super().__init__()
        self.function = function

    def forward(self, input: Stretched, other: Stretched) -> AnyTensor:
        return _OF_TWO[self.function](input, other)


class Compare(nn.Module):
    """True where a number compares so with a fixed one.

    Keywords: greater, less, equal, threshold, ==, >, <, mask from values, gt, lt, eq.

    Args:
        function: The comparison, by its name in torch: ``eq``, ``ne``, ``lt``, ``le``, ``gt`` or ``ge``.
        value: What each number is compared with.
    """

    def __init__(self, function: Literal["eq", "ge", "gt", "le", "lt", "ne"] = "gt", value: float = 0.0) -> None:
        super().__init__()
        self.function = function
        self.value = value

    def forward(self, input: Convolved) -> Annotated[Mask, "..."]:
        return _COMPARISONS[self.function](input, self.value)


class MaskedFill(nn.Module):
    """A fixed value where a mask is true; axes of size 1 of the mask are stretched.

    Keywords: mask out, attention mask, fill, masked fill, -inf, where.

    Args:
        value: What is put there; ``-.inf`` takes part in no softmax.
    """

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = value

    def forward(self, input: Convolved, mask: Annotated[AnyTensor, Usually(Mask)]) -> Same:
        return input.masked_fill(mask.bool(), self.value)


class Where(nn.Module):
    """input where a condition is true, else other; axes of size 1 are stretched.

    Keywords: select, choose, condition, if else, masked, switch.
    """

    def forward(self, condition: Annotated[AnyTensor, Usually(Mask)], input: Stretched, other: Stretched) -> AnyTensor:
        return torch.where(condition.bool(), input, other)


class Cast(nn.Module):
    """The same numbers in another number format.

    Keywords: to, dtype, type, float, half, long, bool, astype, convert, autocast.

    Args:
        dtype: The number format.
    """

    def __init__(
        self, dtype: Literal["float32", "float64", "float16", "bfloat16", "int64", "int32", "bool"] = "float32"
    ) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, input: Convolved) -> Annotated[AnyTensor, "..."]:
        return input.to(getattr(torch, self.dtype))
