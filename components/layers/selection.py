"""Parts that join tensors or take them apart."""

from typing import Annotated

import torch
from annotated_types import Interval, MinLen
from torch import nn

from components.shared.bounds import Axis, Count
from composer.ports import AnyTensor, FeatureMap, InputError, Levels, Pyramid, Usually

__all__ = ["Chunk", "CollectLevels", "Concat", "Select", "SelectLevel", "Slice", "Split", "Stack"]

Convolved = Annotated[AnyTensor, Usually("Conv2d"), "..."]


class Concat(nn.Module):
    """Tensors joined along an axis; their other axes have the same sizes.

    Keywords: cat, concatenate, join, merge, dense connection, skip connection, stack channels, unet skip, fuse,
    hstack, vstack.

    Args:
        dim: The axis: 1 for channels or tokens, 0 for the batch.
    """

    def __init__(self, dim: Axis = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *xs: Annotated[AnyTensor, Usually("Conv2d")]) -> AnyTensor:
        return torch.cat(xs, self.dim)


class Stack(nn.Module):
    """Tensors of one shape joined along a new axis.

    Keywords: join, new axis, batch tensors, combine, list to tensor.

    Args:
        dim: Where the new axis stands in the output.
    """

    def __init__(self, dim: Axis = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *xs: Convolved) -> AnyTensor:
        return torch.stack(xs, self.dim)


class Chunk(nn.Module):
    """An axis cut into parts of the same size; the first ones are one longer where it does not come out even.

    Keywords: split, split channels, partition, divide.

    Args:
        chunks: How many parts, at most 1024.
        dim: The axis.
    """

    def __init__(self, chunks: Annotated[int, Interval(ge=1, le=1024)], dim: Axis = 1) -> None:
        super().__init__()
        self.chunks = chunks
        self.dim = dim

    def forward(self, input: Convolved) -> Levels:
        return torch.tensor_split(input, self.chunks, self.dim)


class Split(nn.Module):
    """An axis cut into parts of given sizes.

    Keywords: split channels, tensor_split, divide, partition, unbind, csp, c2f.

    Args:
        sizes: Sizes of the parts; they add up to the size of the axis.
        dim: The axis.
    """

    def __init__(self, sizes: Annotated[tuple[Count, ...], MinLen(1)], dim: Axis = 1) -> None:
        super().__init__()
        self.sizes = sizes
        self.dim = dim

    def forward(self, input: Convolved) -> Levels:
        return torch.split(input, self.sizes, self.dim)  # type: ignore[arg-type]


class Select(nn.Module):
    """One entry of an axis, which is then gone: by default the first token, where the class token stands.

    Keywords: index, indexing, cls token, class token, pick, take, gather, narrow, index_select, first token,
    choose, getitem, slice.

    Args:
        index: Which entry; negative counts from the end.
        dim: The axis.

    Raises:
        ValueError: In ``forward``: there is no such entry.
    """

    def __init__(self, index: int = 0, dim: Axis = 1) -> None:
        super().__init__()
        self.index = index
        self.dim = dim

    def forward(self, input: Annotated[AnyTensor, Usually("TransformerEncoderLayer"), "..."]) -> AnyTensor:
        size = input.shape[self.dim]
        if not -size <= self.index < size:
            raise InputError(
                "input", f"found {size} entries along axis {self.dim}, expected one with the index {self.index}"
            )
        return input.select(self.dim, self.index)


class Slice(nn.Module):
    """A stretch of an axis: from 1 on, for instance, the tokens behind the class token.

    Keywords: crop, cropping2d, narrow, center crop, drop token, part, sub-tensor, range, truncate, indexing, remove
    class token.

    Args:
        start: First entry; negative counts from the end.
        end: The entry behind the last one; None for all that follow.
        dim: The axis.
    """

    def __init__(self, start: int = 0, end: int | None = None, dim: Axis = 1) -> None:
        super().__init__()
        stretch = slice(start, end)
        whole = (slice(None),)
        self.index = (*whole * dim, stretch) if dim >= 0 else (..., stretch, *whole * (-dim - 1))

    def forward(self, input: Convolved) -> AnyTensor:
        return input[self.index]


class SelectLevel(nn.Module):
    """One level of a sequence: the same as the reference ``node.out[i]``, as a node of its own.

    Keywords: pick level, last level, feature map of a level, index levels, stage, choose level, feature level.

    Args:
        level: Which level; negative counts from the end.

    Raises:
        ValueError: In ``forward``: there is no such level.
    """

    def __init__(self, level: int = -1) -> None:
        super().__init__()
        self.level = level

    def forward(self, levels: Annotated[Levels, Usually("ResNet")]) -> AnyTensor:
        if not -len(levels) <= self.level < len(levels):
            raise InputError("levels", f"found {len(levels)}, expected one with the index {self.level}")
        return levels[self.level]


class CollectLevels(nn.Module):
    """Feature maps put together as a pyramid, in the order of the wires: finest first.

    Keywords: pyramid, feature pyramid, list of feature maps, multi-scale, multilevel, make pyramid, pack, gather
    levels, features list, tuple.
    """

    def forward(self, *xs: Annotated[FeatureMap, Usually("Conv2d")]) -> Pyramid:
        return xs
