"""Attention within windows of a map, regular or shifted, with a relative position bias (Swin, arXiv:2103.14030)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.initialization import trunc_normal_
from components.shared.transformer import DropPath

__all__ = ["ShiftWindowMSA", "WindowMSA", "join_windows", "relative_position_index", "split_windows"]


def relative_position_index(height: int, width: int) -> Tensor:
    """Row of the bias table for each (query, key) of a window, [N, N] (int64) with N = height * width.

    Rows count the offsets query - key, from (1 - height, 1 - width) on, columns fastest.
    """
    rows = torch.arange(height).repeat_interleave(width)
    columns = torch.arange(width).repeat(height)
    down = rows[:, None] - rows[None, :] + height - 1
    across = columns[:, None] - columns[None, :] + width - 1
    return down * (2 * width - 1) + across


def split_windows(x: Tensor, size: int) -> Tensor:
    """A map [B, H, W, C] as its windows [B, H/size * W/size, size * size, C]."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // size, size, width // size, size, channels).transpose(2, 3)
    return x.reshape(batch, (height // size) * (width // size), size * size, channels)


def join_windows(windows: Tensor, size: int, height: int, width: int) -> Tensor:
    """Undo ``split_windows`` for a map of this height and width."""
    batch, _, _, channels = windows.shape
    x = windows.reshape(batch, height // size, width // size, size, size, channels).transpose(2, 3)
    return x.reshape(batch, height, width, channels)


class WindowMSA(nn.Module):
    """Self-attention within each window, softmax(q k^T / sqrt(d) + bias) v (arXiv:2103.14030, eq. 4).

    Args:
        embed_dims: Length of a token.
        window_size: Height and width of a window, in cells.
        num_heads: Heads; they share the length of a token evenly.
        qkv_bias: Whether query, key and value have a bias.
        qk_scale: Factor of q k^T; ``None`` for 1 / sqrt(d).
        attn_drop: Dropout of attention weights.
        proj_drop: Dropout after the output projection.

    Raises:
        ValueError: ``num_heads`` does not divide ``embed_dims``.
    """

    relative_position_index: Tensor

    def __init__(
        self,
        embed_dims: int,
        window_size: int,
        num_heads: int,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
    ) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(f"{num_heads} heads cannot share {embed_dims} channels evenly: choose a divisor of them.")
        self.num_heads = num_heads
        self.scale = qk_scale or (embed_dims // num_heads) ** -0.5
        self.attn_drop = attn_drop
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window_size - 1) ** 2, num_heads))
        self.register_buffer("relative_position_index", relative_position_index(window_size, window_size))
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims, bias=qkv_bias)
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.proj_drop = nn.Dropout(proj_drop)
        self.reset_bias_table()

    def reset_bias_table(self) -> None:
        """Give the relative position bias its starting values."""
        trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, windows: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, W, N, embed_dims] (W windows of N cells) to the same shape.

        ``mask`` [W, N, N] is added to the scores of every head, -inf where a query may not see a key.
        """
        q, k, v = self.qkv(windows).unflatten(-1, (3, self.num_heads, -1)).permute(3, 0, 1, 4, 2, 5).unbind(0)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1).contiguous()
        # The fused kernels take [batch, heads, N, d]: windows that share one bias join the batch, others the heads.
        first = 0
        if mask is not None:
            first, bias = 1, (bias + mask[:, None]).flatten(0, 1)
        mixed = F.scaled_dot_product_attention(
            q.flatten(first, first + 1),
            k.flatten(first, first + 1),
            v.flatten(first, first + 1),
            attn_mask=bias.to(q.dtype),
            dropout_p=self.attn_drop if self.training else 0.0,
            scale=self.scale,
        )
        mixed = mixed.reshape(v.shape).transpose(2, 3).flatten(3)
        return self.proj_drop(self.proj(mixed))


class ShiftWindowMSA(nn.Module):
    """Attention within windows that are shifted across the borders of regular ones (arXiv:2103.14030, section 3.2).

    The map is rolled so that shifted windows become regular; cells that only the roll brought together do not see each
    other. A map that windows do not fill is padded with zeros below and on the right.

    Args:
        embed_dims: Length of a token.
        num_heads: Attention heads.
        window_size: Height and width of a window, in cells.
        shift_size: Cells to shift by, up and left; 0 for regular windows.
        drop_path: Stochastic depth rate of the branch.
        pad_small_map: Whether a map smaller than a window is padded to it. Otherwise it is refused, and a map as high
            or as wide as a window is not shifted.
        qkv_bias: Whether query, key and value have a bias.
        qk_scale: Factor of q k^T; ``None`` for 1 / sqrt(d).
        attn_drop: Dropout of attention weights.
        proj_drop: Dropout after the output projection.

    Raises:
        ValueError: ``shift_size`` is not smaller than ``window_size``.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: int,
        shift_size: int = 0,
        drop_path: float = 0.0,
        pad_small_map: bool = False,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= shift_size < window_size:
            raise ValueError(f"shift_size is {shift_size}, expected 0 to {window_size - 1} (below window_size).")
        self.window_size = window_size
        self.shift_size = shift_size
        self.pad_small_map = pad_small_map
        self.w_msa = WindowMSA(embed_dims, window_size, num_heads, qkv_bias, qk_scale, attn_drop, proj_drop)
        self.drop = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """[B, H, W, embed_dims] to the same shape.

        Raises:
            ValueError: The map is smaller than a window and ``pad_small_map`` is off.
        """
        size, (height, width) = self.window_size, x.shape[1:3]
        shift = self._shift_for(height, width)
        if height % size or width % size:
            x = F.pad(x, (0, 0, 0, -width % size, 0, -height % size))
        padded_height, padded_width = x.shape[1:3]
        mask = None
        if shift:
            x = x.roll((-shift, -shift), dims=(1, 2))
            mask = self._shift_mask(padded_height, padded_width, x)
        x = join_windows(self.w_msa(split_windows(x, size), mask), size, padded_height, padded_width)
        if shift:
            x = x.roll((shift, shift), dims=(1, 2))
        return self.drop(x[:, :height, :width])

    def _shift_for(self, height: int, width: int) -> int:
        if self.pad_small_map or min(height, width) > self.window_size:
            return self.shift_size
        if min(height, width) < self.window_size:
            raise ValueError(
                f"a map of {height} x {width} cells is smaller than the window of {self.window_size} x "
                f"{self.window_size}: set pad_small_map to true, choose a smaller window_size or feed larger images."
            )
        return 0

    def _shift_mask(self, height: int, width: int, like: Tensor) -> Tensor:
        """What to add to the scores within each rolled window, [W, N, N]: -inf between cells of different regions."""

        def regions(length: int) -> Tensor:
            cell = torch.arange(length, device=like.device)
            return (cell >= length - self.window_size).int() + (cell >= length - self.shift_size).int()

        region = 3 * regions(height)[:, None] + regions(width)[None, :]
        region = split_windows(region[None, :, :, None], self.window_size).flatten(0, 1).squeeze(-1)
        apart = region[:, :, None] != region[:, None, :]
        return like.new_zeros(apart.shape).masked_fill(apart, float("-inf"))
