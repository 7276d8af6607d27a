"""Layers that change the rows and columns of a map without learning."""

from typing import Annotated, Literal

from annotated_types import Gt, MinLen
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count, Margins, Size
from composer.ports import AnyTensor, FeatureMap, Image, Like, Usually

__all__ = ["Fold", "Pad", "PixelShuffle", "PixelUnshuffle", "Resize", "SampleGrid", "Unfold", "Upsample", "ZeroPad2d"]

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
        antialias: Whether a smaller map averages more pixels; only for ``bilinear`` and ``bicubic``.

    Raises:
        ValueError: ``align_corners`` or ``antialias`` is of no use, or there is neither a size nor a map to follow.
    """

    def __init__(
        self,
        size: Size | None = None,
        mode: Mode = "bilinear",
        align_corners: bool | None = None,
        antialias: bool = False,
    ) -> None:
        super().__init__()
        _check_corners(mode, align_corners)
        if antialias and mode not in ("bilinear", "bicubic"):
            raise ValueError(f"antialias means nothing for mode='{mode}': leave it out, or use bilinear or bicubic")
        self.antialias = antialias
        self.size = size
        self.mode = mode
        self.align_corners = align_corners

    def forward(
        self, input: Map, like: Annotated[FeatureMap, Usually("Conv2d"), "B C2 H2 W2"] | None = None
    ) -> Resized:
        size = self.size if like is None else like.shape[-2:]
        if size is None:
            raise ValueError("no size to resize to: wire a map to 'like' or set size")
        return F.interpolate(input, size, mode=self.mode, align_corners=self.align_corners, antialias=self.antialias)


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


class Unfold(nn.Unfold):
    """The windows of a map side by side, each as one column, as ``torch.nn.Unfold``.

    Keywords: im2col, sliding windows, extract patches, sliding blocks, halo, local attention, patches.

    Args:
        kernel_size: Rows and columns of a window, in pixels.
        dilation: Distance of the pixels of a window.
        padding: Zeros added around the map.
        stride: Distance of the windows.
    """

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Margins = 0, stride: Size = 1) -> None:
        super().__init__(kernel_size, dilation, padding, stride)

    def forward(self, input: Map) -> Annotated[AnyTensor, "B CK L"]:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(nn.Fold):
    """Windows put back where ``Unfold`` took them from; where they overlap, they add up, as ``torch.nn.Fold``.

    Keywords: col2im, overlap add, reassemble patches, inverse of unfold, stitch windows.

    Args:
        output_size: Rows and columns of the map, in pixels.
        kernel_size: Rows and columns of a window.
        dilation: Distance of the pixels of a window.
        padding: Zeros that were added around the map.
        stride: Distance of the windows.
    """

    def __init__(
        self, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Margins = 0, stride: Size = 1
    ) -> None:
        super().__init__(output_size, kernel_size, dilation, padding, stride)

    def forward(self, input: Annotated[AnyTensor, Usually("Unfold"), "B CK L"]) -> Annotated[FeatureMap, "B C H W"]:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)


class SampleGrid(nn.Module):
    """A map read at given places (arXiv:1506.02025), as ``torch.nn.functional.grid_sample``.

    Keywords: grid_sample, warp, spatial transformer, stn, deformable, flow, remap, bilinear sampling.

    Args:
        mode: How values between pixels are found.
        padding_mode: What is read outside of the map.
        align_corners: Whether -1 and 1 are the centres of the corner pixels, instead of their outer edges.
    """

    def __init__(
        self,
        mode: Literal["bilinear", "nearest", "bicubic"] = "bilinear",
        padding_mode: Literal["zeros", "border", "reflection"] = "zeros",
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.padding_mode = padding_mode
        self.align_corners = align_corners

    def forward(
        self, input: Map, grid: Annotated[AnyTensor, Usually("Permute"), "B H2 W2 2"]
    ) -> Annotated[FeatureMap, "B C H2 W2"]:
        """The map [B, C, H2, W2] at these places.

        Args:
            input: The map.
            grid: Column and row of each place, from -1 to 1.
        """
        return F.grid_sample(input, grid, self.mode, self.padding_mode, self.align_corners)


class Pad(nn.Module):
    """Entries added at the ends of axes, as ``torch.nn.functional.pad``.

    Keywords: padding, f.pad, reflect pad, replicate pad, circular pad, zero padding, border, reflectionpad2d.

    Args:
        padding: How many in front of and behind the last axis, then the one before it, and so on; negative ones cut.
        mode: What the added entries hold.
        value: Their value where ``mode`` is ``constant``.

    Raises:
        ValueError: ``padding`` is not a pair for each axis.
    """

    def __init__(
        self,
        padding: Annotated[tuple[int, ...], MinLen(2)],
        mode: Literal["constant", "reflect", "replicate", "circular"] = "constant",
        value: float = 0.0,
    ) -> None:
        super().__init__()
        if len(padding) % 2:
            raise ValueError(f"padding={padding}: give two numbers for each axis, the last axis first")
        self.padding = padding
        self.mode = mode
        self.value = value

    def forward(self, input: Annotated[AnyTensor, Usually(Image), "..."]) -> AnyTensor:
        return F.pad(input, self.padding, self.mode, self.value if self.mode == "constant" else None)


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
