"""Layers that lay the same numbers out differently."""

from typing import Annotated

import torch
from annotated_types import MinLen
from torch import Tensor, nn

from components.shared.bounds import Axis, Count, Sizes
from composer.ports import AnyTensor, FeatureMap, Like, Tokens, Usually

__all__ = [
    "Detach",
    "Expand",
    "Flatten",
    "Flip",
    "Identity",
    "MapToTokens",
    "Permute",
    "Repeat",
    "Reshape",
    "Roll",
    "Squeeze",
    "TokensToMap",
    "Unflatten",
    "Unsqueeze",
]

Convolved = Annotated[AnyTensor, Usually("Conv2d"), "..."]
Pooled = Annotated[AnyTensor, Usually("AdaptiveAvgPool2d"), "..."]


class Identity(nn.Identity):
    """What comes in goes out: a place to hold a name or to change a branch later.

    Keywords: noop, pass through, nothing, placeholder, lambda, linear activation, sequential.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Convolved) -> Annotated[Tensor, Like("input"), "..."]:
        return input


class Detach(nn.Module):
    """What comes in goes out, but no gradient comes back (the stop-gradient of SimSiam, arXiv:2011.10566).

    Keywords: stop gradient, stopgrad, no grad, requires_grad false, block gradient, simsiam.
    """

    def forward(
        self, input: Annotated[AnyTensor, Usually("NonLinearNeck"), "..."]
    ) -> Annotated[Tensor, Like("input"), "..."]:
        return input.detach()


class Flatten(nn.Flatten):
    """Neighbouring axes joined into one, as ``torch.nn.Flatten``.

    Keywords: view, ravel, vectorize, reshape, to vector, squash axes, rearrange.

    Args:
        start_dim: First axis that is joined; 1 keeps the batch.
        end_dim: Last axis that is joined.
    """

    def __init__(self, start_dim: Axis = 1, end_dim: Axis = -1) -> None:
        super().__init__(start_dim, end_dim)

    def forward(self, input: Pooled) -> AnyTensor:
        return input.flatten(self.start_dim, self.end_dim)


class Unflatten(nn.Unflatten):
    """One axis split into several, as ``torch.nn.Unflatten``.

    Keywords: split axis, view, reshape, unfold axis, heads, to grid.

    Args:
        dim: The axis that is split.
        unflattened_size: Sizes of the new axes; one of them may be -1, what is left.

    Raises:
        ValueError: A size is 0, or more than one is -1.
    """

    def __init__(self, dim: Axis, unflattened_size: Sizes) -> None:
        _check_sizes("unflattened_size", unflattened_size)
        super().__init__(dim, unflattened_size)

    def forward(self, input: Annotated[AnyTensor, Usually("Linear"), "..."]) -> AnyTensor:
        return torch.unflatten(input, self.dim, self.unflattened_size)


class Reshape(nn.Module):
    """All axes but the first laid out anew; the first one, the batch, stays unless another is asked for.

    Keywords: view, resize tensor, unsqueeze, rearrange, flatten, einops, shape, change shape, layout.

    Args:
        shape: Sizes of the axes after the first; one of them may be -1, what is left.
        keep_batch: Whether the first axis stays; if not, ``shape`` holds all axes: windows of a map become a batch.

    Raises:
        ValueError: A size is 0, or more than one is -1.
    """

    def __init__(self, shape: Sizes, keep_batch: bool = True) -> None:
        super().__init__()
        _check_sizes("shape", shape)
        self.shape = shape
        self.keep_batch = keep_batch

    def forward(self, input: Annotated[AnyTensor, Usually("AdaptiveAvgPool2d"), "..."]) -> AnyTensor:
        return input.reshape(input.shape[0], *self.shape) if self.keep_batch else input.reshape(self.shape)


class Permute(nn.Module):
    """Axes in another order.

    Keywords: transpose, swapaxes, moveaxis, movedim, channels last, rearrange, einops, reorder, t().

    Args:
        dims: For each axis of the output, which one of the input it is: (0, 2, 3, 1) puts channels last.

    Raises:
        ValueError: ``dims`` does not hold every axis once.
    """

    def __init__(self, dims: Annotated[tuple[int, ...], MinLen(1)]) -> None:
        super().__init__()
        rank = len(dims)
        if sorted(dims) != list(range(rank)):
            raise ValueError(
                f"dims={dims} must hold each of {tuple(range(rank))} once: the axes of the input, reordered"
            )
        self.dims = dims

    def forward(self, input: Convolved) -> AnyTensor:
        return input.permute(self.dims)


class Squeeze(nn.Module):
    """An axis of size 1 taken out.

    Keywords: remove axis, drop dimension, remove dimension, reduce dims.

    Args:
        dim: The axis; one of another size stays.
    """

    def __init__(self, dim: Axis) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Pooled) -> AnyTensor:
        return input.squeeze(self.dim)


class Unsqueeze(nn.Module):
    """An axis of size 1 put in.

    Keywords: expand_dims, add axis, new axis, None index, expand dimension, repeatvector.

    Args:
        dim: Where the new axis stands in the output.
    """

    def __init__(self, dim: Axis) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Annotated[AnyTensor, Usually("Linear"), "..."]) -> AnyTensor:
        return input.unsqueeze(self.dim)


class Expand(nn.Module):
    """Axes of size 1 stretched, without a copy: a class token, for instance, for every image of a batch.

    Keywords: broadcast, broadcast_to, expand_as, repeat, tile, batch the class token.

    Args:
        shape: Size of each axis of the output; -1 keeps the input's.
    """

    def __init__(self, shape: Sizes) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, input: Convolved, like: Annotated[AnyTensor, Usually("Conv2d")] | None = None) -> AnyTensor:
        """The input with larger axes.

        Args:
            input: What is stretched.
            like: The size of its first axis, the batch, takes the place of the first of ``shape``.
        """
        first = self.shape[0] if like is None else like.shape[0]
        return input.expand(first, *self.shape[1:])


class Repeat(nn.Module):
    """The input beside itself along its axes.

    Keywords: tile, copy, duplicate, repeat tensor, np.tile.

    Args:
        repeats: How many times along each axis; there may be more axes than the input has, which stand in front.
    """

    def __init__(self, repeats: Annotated[tuple[Count, ...], MinLen(1)]) -> None:
        super().__init__()
        self.repeats = repeats

    def forward(self, input: Convolved) -> AnyTensor:
        return input.repeat(self.repeats)


class Roll(nn.Module):
    """Entries moved along axes; those that leave at one end come back at the other (Swin, arXiv:2103.14030).

    Keywords: cyclic shift, shifted windows, circular shift, np.roll.

    Args:
        shifts: By how many entries along each axis of ``dims``.
        dims: The axes.

    Raises:
        ValueError: There are not as many shifts as axes.
    """

    def __init__(
        self, shifts: Annotated[tuple[int, ...], MinLen(1)], dims: Annotated[tuple[Axis, ...], MinLen(1)]
    ) -> None:
        super().__init__()
        if len(shifts) != len(dims):
            raise ValueError(f"shifts={shifts} and dims={dims}: give one shift for each axis")
        self.shifts = shifts
        self.dims = dims

    def forward(self, input: Convolved) -> Annotated[Tensor, Like("input"), "..."]:
        return input.roll(self.shifts, self.dims)


class Flip(nn.Module):
    """Axes read from the end to the start.

    Keywords: reverse, mirror, horizontal flip, vertical flip, rot180.

    Args:
        dims: The axes.
    """

    def __init__(self, dims: Annotated[tuple[Axis, ...], MinLen(1)]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, input: Convolved) -> Annotated[Tensor, Like("input"), "..."]:
        return input.flip(self.dims)


class MapToTokens(nn.Module):
    """The pixels of a map as a sequence, row by row.

    Keywords: flatten spatial, map to sequence, patchify, patch embedding, patches to tokens, to tokens, nchw to
    nlc, flatten transpose, tokenize, rearrange b c h w -> b (h w) c.
    """

    def forward(self, input: Annotated[FeatureMap, Usually("Conv2d"), "B C H W"]) -> Annotated[Tokens, "B N C"]:
        return input.flatten(2).transpose(1, 2)


class TokensToMap(nn.Module):
    """A sequence laid out as the pixels of a map, row by row.

    Keywords: tokens to feature map, unpatchify, nlc to nchw, sequence to map, fold, unflatten, reshape tokens,
    rearrange b (h w) c -> b c h w.

    Args:
        height: Rows of the map; its columns are what the length of the sequence leaves.
    """

    def __init__(self, height: Count) -> None:
        super().__init__()
        self.height = height

    def forward(
        self, input: Annotated[Tokens, Usually("TransformerEncoderLayer"), "B N C"]
    ) -> Annotated[FeatureMap, "B C height W"]:
        return torch.unflatten(input.transpose(1, 2), 2, (self.height, -1))


def _check_sizes(name: str, sizes: tuple[int, ...]) -> None:
    if 0 in sizes or sizes.count(-1) > 1:
        raise ValueError(f"{name}={sizes} must hold sizes of 1 or more and at most one -1, which takes what is left")
