"""Images without their fine detail, as targets."""

from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from components.shared.bounds import Size
from components.shared.options import pair
from composer.ports import Image, InputError

__all__ = ["LowFreqTargetGenerator"]

_COLORS = 3
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


class LowFreqTargetGenerator(nn.Module):
    """What an ideal low-pass filter leaves of images (PixMIM, arXiv:2303.02416, section 4.1).

    Images are taken to be normalised by ImageNet's mean and deviation; the filter sees them on the scale from 0 to 1.

    Keywords: low pass, low frequency, fourier, fft, blur, pixmim target.

    Args:
        radius: Frequencies up to so many cycles an image are kept.
        img_size: Height and width of the images, in pixels.

    Raises:
        ValueError: In ``forward``: images of another size.
    """

    low_pass_filter: Tensor

    def __init__(
        self,
        radius: Annotated[int, Ge(0)],
        img_size: Size,
    ) -> None:
        super().__init__()
        down, across = (torch.arange(size) - (size - 1) / 2 for size in pair(img_size))
        kept = (down[:, None] ** 2 + across**2 <= radius**2).float()
        self.register_buffer("low_pass_filter", kept.repeat(_COLORS, 1, 1))

    @torch.no_grad()
    def forward(self, image: Annotated[Image, "B 3 H W"]) -> Annotated[Image, "B 3 H W"]:
        """[B, 3, H, W] to the same shape; no gradient flows back."""
        height, width = self.low_pass_filter.shape[1:]
        if image.shape[2:] != (height, width):
            raise InputError(
                "image",
                f"found {image.shape[2]} x {image.shape[3]} pixels, expected {height} x {width}: give images "
                "of the size that img_size says, or set img_size",
            )
        mean, std = (image.new_tensor(values)[:, None, None] for values in (_MEAN, _STD))
        waves = torch.fft.fftshift(torch.fft.fft2(image * std + mean), dim=(-2, -1))
        return (torch.fft.ifft2(waves * self.low_pass_filter).abs() - mean) / std
