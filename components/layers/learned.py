"""Tensors that a model holds and hands out: learned ones and fixed ones."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, MaxLen
from torch import Tensor, nn

from components.shared.bounds import Count
from composer.ports import AnyTensor

__all__ = ["ConstantTensor", "LearnedTensor"]

Shape = Annotated[tuple[Count, ...], MaxLen(8)]

Numbers = Literal["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


class LearnedTensor(nn.Module):
    """A learned tensor that belongs to no layer: a class token, position embeddings, the scales of channels.

    Keywords: parameter, nn.parameter, learnable parameter, class token, cls token, position embedding, pos embed,
    relative position bias table, layer scale, gamma, query embedding, object queries, mask token, register tokens.

    Args:
        shape: Its sizes; empty for a single number.
        std: Standard deviation of the normal distribution that its values are drawn from; 0 for zeros.
    """

    def __init__(self, shape: Shape, std: Annotated[float, Ge(0)] = 0.02) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(shape))
        if std:
            nn.init.normal_(self.value, std=std)

    def forward(self) -> AnyTensor:
        return self.value


class ConstantTensor(nn.Module):
    """A fixed tensor that is saved with the weights: an index, a mask, sine position embeddings. It starts as zeros.

    Keywords: buffer, register_buffer, constant, relative position index, attention mask, sincos, fixed tensor, tensor.

    Args:
        shape: Its sizes; empty for a single number.
        dtype: What kind of numbers it holds.
    """

    value: Tensor

    def __init__(self, shape: Shape, dtype: Numbers = "float32") -> None:
        super().__init__()
        self.register_buffer("value", torch.zeros(shape, dtype=getattr(torch, dtype)))

    def forward(self) -> AnyTensor:
        return self.value
