"""Position embeddings that are not learned."""

import torch
from torch import Tensor

__all__ = ["sine_cosine_positions"]

_TEMPERATURE = 10000.0


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
