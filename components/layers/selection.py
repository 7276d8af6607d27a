"""Parts that join tensors or take them apart."""

from typing import Annotated, Literal, NamedTuple

import torch
from annotated_types import Interval, MinLen
from torch import nn

from components.shared.bounds import Axis, Count
from composer.ports import AnyTensor, FeatureMap, InputError, Levels, Pyramid, Usually

__all__ = [
    "Chunk",
    "CollectLevels",
    "Concat",
    "Gather",
    "Scatter",
    "Select",
    "SelectLevel",
    "Slice",
    "Split",
    "Stack",
    "Take",
    "TopK",
    "Unbind",
]

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
        step: Every how many entries one is taken.
    """

    def __init__(self, start: int = 0, end: int | None = None, dim: Axis = 1, step: Count = 1) -> None:
        super().__init__()
        stretch = slice(start, end, step)
        whole = (slice(None),)
        self.index = (*whole * dim, stretch) if dim >= 0 else (..., stretch, *whole * (-dim - 1))

    def forward(self, input: Convolved) -> AnyTensor:
        return input[self.index]


class Take(nn.Module):
    """The entries of an axis that an index names, in the shape of the index: rows of a table of position biases.

    Keywords: index, gather, index_select, lookup, fancy indexing, advanced indexing, embedding, relative position bias.

    Args:
        dim: The axis.
    """

    def __init__(self, dim: Axis = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Convolved, index: Annotated[AnyTensor, Usually("ConstantTensor")]) -> AnyTensor:
        taken = input.index_select(self.dim, index.flatten())
        return torch.unflatten(taken, self.dim, index.shape) if index.ndim != 1 else taken


class Gather(nn.Module):
    """Along an axis, for every place of the index the entry that it names there, as ``torch.gather``.

    Keywords: gather, take_along_dim, pick per sample, batched index, select tokens, lookup along axis.

    Args:
        dim: The axis.
    """

    def __init__(self, dim: Axis = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Convolved, index: Annotated[AnyTensor, Usually("TopK")]) -> AnyTensor:
        return input.gather(self.dim, index)


class Scatter(nn.Module):
    """Along an axis, every number of the source put where the index names, as ``torch.scatter``.

    Keywords: scatter, scatter_add, index_add, put along axis, unpool, write tokens back, splat.

    Args:
        dim: The axis.
        how: Whether the number takes the place of what is there, or is added to it.
    """

    def __init__(self, dim: Axis = 1, how: Literal["write", "add"] = "write") -> None:
        super().__init__()
        self.dim = dim
        self.how = how

    def forward(
        self,
        input: Convolved,
        index: Annotated[AnyTensor, Usually("TopK")],
        source: Annotated[AnyTensor, Usually("Gather")],
    ) -> AnyTensor:
        if self.how == "add":
            return input.scatter_add(self.dim, index, source)
        return input.scatter(self.dim, index, source)


class _Top(NamedTuple):
    values: AnyTensor
    indices: AnyTensor


class TopK(nn.Module):
    """The largest entries of an axis, the largest first, and where they stand.

    Keywords: topk, top k, k largest, best scores, select tokens, prune tokens, proposals, sort.

    Args:
        k: How many.
        dim: The axis.
        largest: False for the smallest ones.
    """

    def __init__(self, k: Count = 1, dim: Axis = 1, largest: bool = True) -> None:
        super().__init__()
        self.k = k
        self.dim = dim
        self.largest = largest

    def forward(self, input: Convolved) -> _Top:
        return _Top(*input.topk(self.k, self.dim, self.largest))


class Unbind(nn.Module):
    """Every entry of an axis as a tensor of its own: queries, keys and values that one layer made together.

    Keywords: split, unstack, unpack, separate.

    Args:
        dim: The axis.
    """

    def __init__(self, dim: Axis = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Convolved) -> Levels:
        return input.unbind(self.dim)


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
