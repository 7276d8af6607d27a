"""Layers that change the rows and columns of a map without learning."""

from typing import Annotated, Literal

from annotated_types import Gt
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count, Size
from composer.ports import FeatureMap, Image, Like, Usually

__all__ = ["PixelShuffle", "PixelUnshuffle", "Resize", "Upsample", "ZeroPad2d"]

Map = Annotated[FeatureMap, Usually(Image), "B C H W"]
Resized = Annotated[Tensor, Like("input"), "B C H2 W2"]

Factor = Annotated[float, Gt(0)]
Mode = Literal["nearest", "nearest-exact", "bilinear", "bicubic", "area"]


class Upsample(nn.Upsample):
    """A map enlarged by a factor or to a size, as ``torch.nn.Upsample``.

    Keywords: upsampling, upsampling2d, interpolate, nearest, bilinear, enlarge, scale up, unpool, resize, up,
    upsamplingnearest2d, upsamplingbilinear2d, decoder.

    Args:
        size: Rows and columns of the output, in pixels; None where there is a factor.
        scale_factor: How many times larger the output is; None where there is a size.
        mode: How values between pixels are found.
        align_corners: Whether the corner pixels' centres stay in place; only for ``bilinear`` and ``bicubic``.

    Raises:
        ValueError: Not exactly one of ``size`` and ``scale_factor`` is given, or ``align_corners`` is of no use.
    """

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: Factor | tuple[Factor, Factor] | None = None,
        mode: Mode = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        if (size is None) == (scale_factor is None):
            raise ValueError(
                f"expected either size or scale_factor, found {size=} and {scale_factor=}: set one of them"
            )
        _check_corners(mode, align_corners)
        super().__init__(size, scale_factor, mode, align_corners)

    def forward(self, input: Map) -> Resized:
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners)


class Resize(nn.Module):
    """A map brought to the rows and columns of another one, or to a fixed size.

    Keywords: interpolate, upsample, upsampling, upsampling2d, upsample like, bilinear, downsample, scale image,
    resizing, unpool, match size.

    Args:
        size: Rows and columns of the output, in pixels, where nothing is wired to ``like``.
        mode: How values between pixels are found.
        align_corners: Whether the corner pixels' centres stay in place; only for ``bilinear`` and ``bicubic``.

    Raises:
        ValueError: ``align_corners`` is of no use, or there is neither a size nor a map to follow.
    """

    def __init__(self, size: Size | None = None, mode: Mode = "bilinear", align_corners: bool | None = None) -> None:
        super().__init__()
        _check_corners(mode, align_corners)
        self.size = size
        self.mode = mode
        self.align_corners = align_corners

    def forward(
        self, input: Map, like: Annotated[FeatureMap, Usually("Conv2d"), "B C2 H2 W2"] | None = None
    ) -> Resized:
        size = self.size if like is None else like.shape[-2:]
        if size is None:
            raise ValueError("no size to resize to: wire a map to 'like' or set size")
        return F.interpolate(input, size, mode=self.mode, align_corners=self.align_corners)


class PixelShuffle(nn.PixelShuffle):
    """Channels laid out as pixels: C r² maps become C maps, r times larger (arXiv:1609.05158).

    Keywords: depth to space, subpixel, sub-pixel convolution, super resolution, upsample, upsampling, espcn.

    Args:
        upscale_factor: r.
    """

    def __init__(self, upscale_factor: Count) -> None:
        super().__init__(upscale_factor)

    def forward(
        self, input: Annotated[FeatureMap, Usually("Conv2d"), "B C H W"]
    ) -> Annotated[FeatureMap, "B C2 H2 W2"]:
        return F.pixel_shuffle(input, self.upscale_factor)


class PixelUnshuffle(nn.PixelUnshuffle):
    """Pixels laid out as channels: C maps become C r² maps, r times smaller.

    Keywords: space to depth, focus, patch merging, downsample, unfold.

    Args:
        downscale_factor: r.
    """

    def __init__(self, downscale_factor: Count) -> None:
        super().__init__(downscale_factor)

    def forward(self, input: Map) -> Annotated[FeatureMap, "B C2 H2 W2"]:
        return F.pixel_unshuffle(input, self.downscale_factor)


class ZeroPad2d(nn.ZeroPad2d):
    """Zeros added around a map, as ``torch.nn.ZeroPad2d``.

    Keywords: pad, padding, zero padding, zeropadding2d, border.

    Args:
        padding: Pixels on every side, or left, right, top and bottom; negative ones cut pixels off.
    """

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__(padding)

    def forward(self, input: Map) -> Resized:
        return F.pad(input, self.padding)


def _check_corners(mode: str, align_corners: bool | None) -> None:
    if align_corners is not None and mode not in ("bilinear", "bicubic"):
        raise ValueError(
            f"align_corners={align_corners} means nothing for mode='{mode}': leave it out, or use bilinear or bicubic"
        )
