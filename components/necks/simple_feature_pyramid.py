"""A pyramid of the one feature map that a plain vision transformer has."""

from typing import Annotated

from annotated_types import Interval, MinLen
from torch import Tensor, nn
from torch.nn import functional as F

from components.layers.normalization import LayerNorm2d
from components.shared.bounds import Count
from composer.ports import FeatureMap, Pyramid, Usually

__all__ = ["SimpleFeaturePyramid"]

Scale = Annotated[float, Interval(ge=0.5, le=4)]
_SCALES = (4.0, 2.0, 1.0, 0.5)
Outs = Annotated[int, Interval(ge=1, le=32)]


class SimpleFeaturePyramid(nn.Module):
    """Levels of several sizes, each made of the last feature map alone (ViTDet, arXiv:2203.16527, section 3).

    For plain vision transformers, whose blocks all have one size: with patches of 16 pixels, the scales 4, 2, 1 and 0.5
    give levels at 1/4, 1/8, 1/16 and 1/32 of the image. Each level then passes a 1x1 and a 3x3 convolution with
    LayerNorm over the channels (appendix A.2).

    Keywords: simple feature pyramid, simple fpn, simplefpn, vitdet, sfp, vit pyramid, pyramid, neck, detection neck,
    plain backbone.

    Args:
        in_channels: Channels of the feature map.
        out_channels: Channels of every level.
        scale_factors: How much larger than the feature map each level is, the largest first: by transposed
            convolutions for 4 and 2, and by max pooling for 0.5.
        num_outs: How many levels go out; None for one a scale. Each further one takes every second pixel of the one
            before.

    Raises:
        ValueError: A scale is none of these or stands in another place, or there are fewer levels than scales.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count = 256,
        scale_factors: Annotated[tuple[Scale, ...], MinLen(1)] = _SCALES,
        num_outs: Outs | None = None,
    ) -> None:
        super().__init__()
        if list(scale_factors) != [scale for scale in _SCALES if scale in scale_factors]:
            raise ValueError(f"found scale_factors {scale_factors}, expected some of 4, 2, 1 and 0.5, in this order")
        if num_outs is not None and num_outs < len(scale_factors):
            raise ValueError(
                f"found num_outs {num_outs}, expected at least one for each of {len(scale_factors)} scales"
            )
        self.num_outs = num_outs or len(scale_factors)
        self.scalings = nn.ModuleList(_scaling(in_channels, scale) for scale in scale_factors)
        widths = [in_channels // int(max(scale, 1)) for scale in scale_factors]
        self.lateral_convs = nn.ModuleList(_normed(width, out_channels, 1) for width in widths)
        self.fpn_convs = nn.ModuleList(_normed(out_channels, out_channels, 3) for _ in widths)

    def forward(
        self, feature: Annotated[FeatureMap, Usually("TIMMBackbone", "VisionTransformer"), "B in_channels H W"]
    ) -> Annotated[Pyramid, "B out_channels H2 W2"]:
        """The feature map scaled to each level, then convolved."""
        levels: list[Tensor] = []
        for scaling, lateral, conv in zip(self.scalings, self.lateral_convs, self.fpn_convs, strict=True):
            levels.append(conv(lateral(scaling(feature))))
        while len(levels) < self.num_outs:
            levels.append(F.max_pool2d(levels[-1], 1, stride=2))
        return tuple(levels)


def _scaling(channels: int, scale: float) -> nn.Module:
    """The map in another size; each doubling halves the channels."""
    if scale < 1:
        return nn.MaxPool2d(2)
    if scale == 1:
        return nn.Identity()
    if channels % int(scale):
        raise ValueError(f"found in_channels {channels}, expected a multiple of the scale {scale:g}")
    first = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
    if scale == 2:
        return nn.Sequential(first)
    second = nn.ConvTranspose2d(channels // 2, channels // 4, 2, stride=2)
    return nn.Sequential(first, LayerNorm2d(channels // 2, eps=1e-6), nn.GELU(), second)


def _normed(channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """A convolution without bias, then LayerNorm over the channels of each pixel."""
    conv = nn.Conv2d(channels, out_channels, kernel, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, LayerNorm2d(out_channels, eps=1e-6))
