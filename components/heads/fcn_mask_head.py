"""Heads that draw the mask of a region of interest."""

import itertools
from typing import Annotated, Any

from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count
from components.shared.conv_module import ConvModule, build_conv
from composer.ports import FeatureMap, LayerCount, Usually

__all__ = ["FCNMaskHead"]

DECONV: dict[str, Any] = {"type": "deconv", "scale_factor": 2}
CONV: dict[str, Any] = {"type": "Conv"}


class FCNMaskHead(nn.Module):
    """Convolutions, an enlargement, and one mask a class (Mask R-CNN, arXiv:1703.06870, figure 4 right).

    Keywords: mask head, mask r-cnn, instance segmentation, segmentation head, fcn, roi mask.

    Args:
        in_channels: Channels of a region's features.
        num_convs: Convolutions before the enlargement.
        conv_kernel_size: Side of their kernels.
        conv_out_channels: Their channels.
        num_classes: Classes, each with a mask of its own.
        class_agnostic: Whether there is one mask for all classes.
        upsample_cfg: How features are enlarged: ``type`` deconv, nearest, bilinear or None, and ``scale_factor``.
        conv_cfg: The convolutions; None is ``nn.Conv2d``.
        norm_cfg: Their normalisations; None is none.
        predictor_cfg: The last convolution.

    Raises:
        ValueError: One of the ``_cfg`` names something unknown.
    """

    def __init__(
        self,
        in_channels: Count,
        num_convs: Annotated[int, Ge(0), LayerCount()] = 4,
        conv_kernel_size: Count = 3,
        conv_out_channels: Count = 256,
        num_classes: Count = 80,
        class_agnostic: bool = False,
        upsample_cfg: dict[str, Any] = DECONV,
        conv_cfg: dict[str, Any] | None = None,
        norm_cfg: dict[str, Any] | None = None,
        predictor_cfg: dict[str, Any] = CONV,
    ) -> None:
        super().__init__()
        self.mask_channels = 1 if class_agnostic else num_classes
        self.method, self.factor = _enlargement(upsample_cfg)
        widths = [in_channels] + [conv_out_channels] * num_convs
        cfgs: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg}
        pad = (conv_kernel_size - 1) // 2
        pairs = itertools.pairwise(widths)
        convs = (ConvModule(one, other, conv_kernel_size, padding=pad, **cfgs) for one, other in pairs)
        self.convs = nn.ModuleList(convs)
        last = widths[-1]
        if self.method == "deconv":
            self.upsample = nn.ConvTranspose2d(last, conv_out_channels, self.factor, stride=self.factor)
            nn.init.kaiming_normal_(self.upsample.weight, mode="fan_out", nonlinearity="relu")
            nn.init.constant_(self.upsample.bias, 0)  # type: ignore[arg-type]
            last = conv_out_channels
        self.conv_logits = build_conv(predictor_cfg, last, self.mask_channels, 1)
        nn.init.kaiming_normal_(self.conv_logits.weight, mode="fan_out", nonlinearity="relu")
        nn.init.constant_(self.conv_logits.bias, 0)  # type: ignore[arg-type]

    def forward(
        self, feature: Annotated[FeatureMap, Usually("SingleRoIExtractor"), "R in_channels H W"]
    ) -> Annotated[FeatureMap, "R mask_channels H2 W2"]:
        """Logits of each class's mask."""
        x = feature
        for conv in self.convs:
            x = conv(x)
        return self.conv_logits(self._enlarged(x))

    def _enlarged(self, x: Tensor) -> Tensor:
        if self.method is None:
            return x
        if self.method == "deconv":
            return self.upsample(x).relu()
        align = None if self.method == "nearest" else False
        return F.interpolate(x, scale_factor=self.factor, mode=self.method, align_corners=align)


def _enlargement(upsample_cfg: dict[str, Any]) -> tuple[str | None, int]:
    """How, and how many times."""
    options = dict(upsample_cfg)
    method, factor = options.pop("type", None), options.pop("scale_factor", 2)
    if method not in (None, "deconv", "nearest", "bilinear") or options:
        text = "expected a type of deconv, nearest, bilinear or None, and a scale_factor"
        raise ValueError(f"upsample_cfg: found {upsample_cfg}, {text}")
    if type(factor) is not int or factor < 1:
        raise ValueError(f"upsample_cfg: found scale_factor {factor!r}, expected a whole number from 1 on")
    return method, factor
