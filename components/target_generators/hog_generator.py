"""Histograms of oriented gradients, as targets."""

import math
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count
from composer.ports import Image, InputError, Tokens

__all__ = ["HOGGenerator"]

_COLORS = 3
_SOBEL = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))


class HOGGenerator(nn.Module):
    """Histograms of oriented gradients of every patch and colour (MaskFeat, arXiv:2112.09133, section 3.2).

    Gradients of each colour are weighed by a Gaussian window, counted by direction in cells of ``pool`` pixels, and the
    histogram of a cell is brought to length 1.

    Departs from OpenMMLab, whose images have 14 x 14 patches whatever their size: here ``patch_size`` says which
    cells make a patch.

    Keywords: hog, histogram of oriented gradients, hog features, maskfeat target, gradients.

    Args:
        nbins: Directions of a histogram.
        pool: Height and width of a cell, in pixels.
        gaussian_window: Height and width of the Gaussian window, in pixels; 0 for none.
        patch_size: Height and width of a patch, in pixels, a multiple of ``pool``.

    Raises:
        ValueError: ``pool`` does not divide ``patch_size``. In ``forward``: patches or windows do not fill the image.
    """

    weight_x: Tensor
    weight_y: Tensor
    gaussian_kernel: Tensor

    def __init__(
        self,
        nbins: Count = 9,
        pool: Count = 8,
        gaussian_window: Annotated[int, Ge(0)] = 16,
        patch_size: Count = 16,
    ) -> None:
        super().__init__()
        if patch_size % pool:
            raise ValueError(f"found cells of {pool} pixels in patches of {patch_size}: choose a divisor as pool.")
        self.nbins, self.pool, self.gaussian_window, self.patch_size = nbins, pool, gaussian_window, patch_size
        self.hog_channels = _COLORS * nbins * (patch_size // pool) ** 2
        sobel = torch.tensor(_SOBEL).expand(_COLORS, 1, 3, 3).contiguous()
        self.register_buffer("weight_x", sobel)
        self.register_buffer("weight_y", sobel.transpose(2, 3).contiguous())
        if gaussian_window:
            self.register_buffer("gaussian_kernel", _gaussian(gaussian_window))

    @torch.no_grad()
    def forward(self, image: Annotated[Image, "B 3 H W"]) -> Annotated[Tokens, "B P hog_channels"]:
        """[B, 3, H, W] to [B, patches, colours * directions * cells]; no gradient flows back."""
        height, width = image.shape[2:]
        step = math.lcm(self.patch_size, self.gaussian_window or 1)
        if height % step or width % step:
            raise InputError(
                "image",
                f"found {height} x {width} pixels, expected multiples of {step}: whole patches of "
                f"{self.patch_size} and whole Gaussian windows of {self.gaussian_window}",
            )
        padded = F.pad(image, (1, 1, 1, 1), mode="reflect")
        across = F.conv2d(padded, self.weight_x, groups=_COLORS)
        down = F.conv2d(padded, self.weight_y, groups=_COLORS)
        strength = torch.stack([across, down], dim=-1).norm(dim=-1)
        if self.gaussian_window:
            times = (height // self.gaussian_window, width // self.gaussian_window)
            strength = strength * self.gaussian_kernel.repeat(times)
        direction = (torch.atan2(across, down) / math.pi * self.nbins).floor().long() % self.nbins
        counts = strength.new_zeros(*strength.shape[:2], self.nbins, height, width)
        counts = counts.scatter_add(2, direction[:, :, None], strength[:, :, None])
        sums = F.avg_pool2d(counts.flatten(1, 2), self.pool, divisor_override=1)
        cells = torch.unflatten(sums, 1, (_COLORS, self.nbins))
        return self._by_patch(F.normalize(cells, dim=2).flatten(1, 2))

    def _by_patch(self, cells: Tensor) -> Tensor:
        """[B, C, cells down, cells across] to [B, patches, C * cells of a patch]."""
        side = self.patch_size // self.pool
        patches = torch.unflatten(torch.unflatten(cells, 3, (-1, side)), 2, (-1, side))
        return patches.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def _gaussian(size: int) -> Tensor:
    """A Gaussian of standard deviation size // 2 (at least 1) in a square window, which sums to 1."""
    places = torch.arange(size, dtype=torch.float32)
    curve = torch.exp(-0.5 * ((places - places.mean()) / max(size // 2, 1)) ** 2)
    window = curve[:, None] * curve[None, :]
    return window / window.sum()
