"""Images and maps cut into patches: embedding and merging, the positions of patches, and masks that hide them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.options import pair
from components.shared.transformer import token_norm
from components.shared.value_checks import check_flags
from composer.ports import InputError

__all__ = [
    "PatchEmbed",
    "PatchMerging",
    "flat_mask",
    "hide_tokens",
    "pick_tokens",
    "resize_position_embedding",
    "sine_cosine_positions",
]

_TEMPERATURE = 10000.0

Padding = int | Sequence[int] | Literal["corner", "same"]


class _Sliding:
    """A window that slides over a map, padded so that it reaches every cell.

    Args:
        kernel_size: Height and width of the window.
        stride: Its step; ``None`` for ``kernel_size``.
        padding: Zeros on each side, or ``corner`` (as few as needed, bottom and right), or ``same`` (all around).
        dilation: Distance between the window's cells.
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None,
        padding: Padding,
        dilation: int | Sequence[int],
    ) -> None:
        self.kernel_size = pair(kernel_size)
        self.stride = self.kernel_size if stride is None else pair(stride)
        self.dilation = pair(dilation)
        least = min(*self.kernel_size, *self.stride, *self.dilation)
        if least < 1:
            raise ValueError(f"a window has the size, stride or dilation {least}, expected at least 1.")
        self.adaptive = padding if isinstance(padding, str) else None
        if self.adaptive not in (None, "corner", "same"):
            raise ValueError(f"padding is {padding!r}, expected 'corner', 'same' or a number of cells.")
        self.padding = (0, 0) if isinstance(padding, str) else pair(padding)

    def _reach(self, axis: int) -> int:
        return (self.kernel_size[axis] - 1) * self.dilation[axis] + 1

    def _missing(self, length: int, axis: int) -> int:
        """Cells to add so that a window starts at every stride within ``length`` and fits."""
        if self.adaptive is None:
            return 0
        steps = (length + self.stride[axis] - 1) // self.stride[axis]
        return max((steps - 1) * self.stride[axis] + self._reach(axis) - length, 0)

    def pad(self, x: Tensor) -> Tensor:
        """``x`` [B, C, H, W] with the adaptive padding."""
        below, right = self._missing(x.shape[2], 0), self._missing(x.shape[3], 1)
        if not below and not right:
            return x
        if self.adaptive == "corner":
            return F.pad(x, (0, right, 0, below))
        return F.pad(x, (right // 2, right - right // 2, below // 2, below - below // 2))

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """How many windows a map of this size holds, down and across."""

        def steps(length: int, axis: int) -> int:
            padded = length + self._missing(length, axis) + 2 * self.padding[axis]
            return (padded - self._reach(axis)) // self.stride[axis] + 1

        return steps(height, 0), steps(width, 1)


class PatchEmbed(nn.Module):
    """Patches of an image as vectors, by a strided convolution (ViT, arXiv:2010.11929, eq. 1).

    Args:
        in_channels: Channels of the image.
        embed_dims: Length of a patch's vector.
        kernel_size: Height and width of a patch, in pixels.
        stride: Distance of patches, in pixels; ``None`` for ``kernel_size``.
        padding: ``corner`` pads bottom and right so that any size is covered, ``same`` all around; or pixels a side.
        dilation: Dilation of the convolution.
        bias: Whether the convolution adds a bias.
        norm_cfg: Normalisation of the vectors, ``None`` for none.
        input_size: The image size that ``init_out_size`` (patches down, across) is worked out for.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int,
        kernel_size: int | Sequence[int] = 16,
        stride: int | Sequence[int] | None = None,
        padding: Padding = "corner",
        dilation: int | Sequence[int] = 1,
        bias: bool = True,
        norm_cfg: Mapping[str, Any] | None = None,
        input_size: int | Sequence[int] = 224,
    ) -> None:
        super().__init__()
        self.window = _Sliding(kernel_size, stride, padding, dilation)
        self.init_out_size = self.window.grid(*pair(input_size))
        window = self.window
        self.projection = nn.Conv2d(
            in_channels, embed_dims, window.kernel_size, window.stride, window.padding, window.dilation, bias=bias
        )
        self.norm = nn.Identity() if norm_cfg is None else token_norm(norm_cfg, embed_dims)

    def forward(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """[B, in_channels, H, W] to tokens [B, N, embed_dims], and how many patches there are down and across."""
        patches = self.projection(self.window.pad(image))
        return self.norm(patches.flatten(2).transpose(1, 2)), (patches.shape[2], patches.shape[3])


class PatchMerging(nn.Module):
    """Neighbouring cells joined into one and reduced (Swin, arXiv:2103.14030, section 3.1).

    The joined vector is channel by channel (all cells of channel 0, then of channel 1 ...), as in mmcv; the official
    Swin code has it cell by cell.

    Args:
        in_channels: Channels of the map.
        out_channels: Channels of the reduced map.
        kernel_size: Height and width of what is joined, in cells.
        stride: Distance of what is joined; ``None`` for ``kernel_size``.
        padding: As in PatchEmbed.
        dilation: Distance between the cells that are joined.
        bias: Whether the reduction adds a bias.
        norm_cfg: Normalisation before the reduction, ``None`` for none.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | None = None,
        padding: Padding = "corner",
        dilation: int | Sequence[int] = 1,
        bias: bool = False,
        norm_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.window = _Sliding(kernel_size, stride, padding, dilation)
        joined = self.window.kernel_size[0] * self.window.kernel_size[1] * in_channels
        self.norm = nn.Identity() if norm_cfg is None else token_norm(norm_cfg, joined)
        self.reduction = nn.Linear(joined, out_channels, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, H, W, in_channels] to [B, H', W', out_channels]."""
        window, grid = self.window, self.window.grid(x.shape[1], x.shape[2])
        x = window.pad(x.permute(0, 3, 1, 2))
        joined = F.unfold(x, window.kernel_size, window.dilation, window.padding, window.stride).transpose(1, 2)
        return self.reduction(self.norm(joined)).unflatten(1, grid)


def resize_position_embedding(
    embedding: Tensor, old: tuple[int, int], new: tuple[int, int], mode: str, extra_tokens: int
) -> Tensor:
    """Position embeddings of one grid of patches, interpolated for another (ViT, arXiv:2010.11929, section 3.2).

    Args:
        embedding: [1, extra_tokens + old patches, C].
        old: Patches down and across that it was made for.
        new: Those that are wanted.
        mode: ``bicubic`` or ``bilinear``.
        extra_tokens: Leading tokens that have no place on the grid and stay as they are.

    Returns:
        [1, extra_tokens + new patches, C].
    """
    if old == new:
        return embedding
    extra, grid = embedding[:, :extra_tokens], embedding[:, extra_tokens:]
    grid = torch.unflatten(grid.transpose(1, 2), 2, old).float()
    resized = F.interpolate(grid, size=new, mode=mode, align_corners=False).to(embedding.dtype)
    return torch.cat([extra, resized.flatten(2).transpose(1, 2)], dim=1)


def sine_cosine_positions(grid: tuple[int, int], channels: int) -> Tensor:
    """Sines and cosines of every patch's row and column (MAE, arXiv:2111.06377, appendix A.1), a zero row in front.

    The first half of the channels is about the row, the second about the column; in each half sines come first, and
    wave lengths rise from 2 pi to 10000 * 2 pi patches.

    Args:
        grid: Patches down and across.
        channels: Length of an embedding, a multiple of 4.

    Returns:
        [1, 1 + patches, channels]: the class token's row of zeros, then the patches row by row.

    Raises:
        ValueError: ``channels`` is no multiple of 4.
    """
    if channels % 4:
        raise ValueError(f"found tokens of {channels} channels, sine-cosine positions need a multiple of 4.")
    down, across = grid
    steps = torch.arange(channels // 4, dtype=torch.float32) / (channels // 4)
    waves = 1.0 / _TEMPERATURE**steps
    rows = torch.arange(down, dtype=torch.float32).repeat_interleave(across)[:, None] * waves
    columns = torch.arange(across, dtype=torch.float32).repeat(down)[:, None] * waves
    patches = torch.cat([rows.sin(), rows.cos(), columns.sin(), columns.cos()], dim=1)
    return torch.cat([patches.new_zeros(1, channels), patches])[None]


def flat_mask(mask: Tensor, tokens: int) -> Tensor:
    """A mask of patches, row by row: [B, tokens].

    Args:
        mask: [B, ...], 1 or true where a patch is hidden.
        tokens: How many patches there are.

    Raises:
        ValueError: The mask has another number of patches, or something but 0 and 1.
    """
    flat = mask.flatten(1)
    if flat.shape[1] != tokens:
        grid = " x ".join(str(size) for size in mask.shape[1:])
        raise InputError(
            "mask",
            f"found a grid of {grid} cells, expected one for each of the {tokens} patches of the image: "
            "give a mask of the grid that the patch embedding makes",
        )
    check_flags("mask", mask)
    return flat


def hide_tokens(tokens: Tensor, mask_token: Tensor, mask: Tensor) -> Tensor:
    """Tokens [B, N, C] with ``mask_token`` in the place of those that ``mask`` [B, ...] hides.

    Raises:
        ValueError: The mask is for another number of tokens.
    """
    hidden = flat_mask(mask, tokens.shape[1])[:, :, None].to(tokens.dtype)
    return tokens * (1 - hidden) + mask_token * hidden


def pick_tokens(tokens: Tensor, ids: Tensor) -> Tensor:
    """Those of the tokens [B or 1, N, C] that ``ids`` [B, K] name, in this order: [B, K, C]."""
    rows = tokens.expand(ids.shape[0], -1, -1)
    return rows.gather(1, ids[:, :, None].expand(-1, -1, tokens.shape[2]))
