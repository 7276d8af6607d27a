"""Features of regions of interest out of a feature pyramid."""

from dataclasses import replace
from typing import Annotated, Any

import torch
from annotated_types import Gt, MinLen
from torch import Tensor, nn

from components.shared.bounds import Count
from components.shared.box_geometry import centers_and_sides
from components.shared.region_pooling import Grid, roi_align
from composer.ports import FeatureMap, InputError, Pyramid, Rois, Usually

__all__ = ["SingleRoIExtractor"]


class SingleRoIExtractor(nn.Module):
    """Each region from the one level that fits its size (FPN, arXiv:1612.03144, equation 1), by RoIAlign.

    Keywords: roi align, roi pool, roi pooling, multiscaleroialign, crop and resize, region features, roi extractor,
    roi feature.

    Args:
        roi_layer: ``type`` RoIAlign, ``output_size`` (one number or two), ``sampling_ratio`` (points along each side of
            a bin; 0, the default, takes as many as the bin has pixels) and ``aligned`` (true by default).
        out_channels: Channels of every level that is used.
        featmap_strides: Pixels of the image that a pixel of each level stands for; levels beyond these are not used.
        finest_scale: Below twice this side, in pixels, a region is taken from the first level.
        roi_scale_factor: How much a region is enlarged around its center before it is cut out (Double-Head R-CNN,
            arXiv:1904.06493, section 4: 1.3); its level is that of its own size.

    Raises:
        ValueError: ``roi_layer`` is something else. In ``forward``: there are fewer levels than strides.
    """

    def __init__(
        self,
        roi_layer: dict[str, Any],
        out_channels: Count,
        featmap_strides: Annotated[tuple[Count, ...], MinLen(1)],
        finest_scale: Count = 56,
        roi_scale_factor: Annotated[float, Gt(0)] | None = None,
    ) -> None:
        super().__init__()
        self.grid = replace(_grid(roi_layer), pixels=2 * finest_scale * (roi_scale_factor or 1) / featmap_strides[0])
        self.rows, self.columns = self.grid.size
        self.featmap_strides = featmap_strides
        self.finest_scale = finest_scale
        self.roi_scale_factor = roi_scale_factor

    def forward(
        self,
        feature: Annotated[Pyramid, Usually("FPN"), "B out_channels H W"],
        rois: Annotated[Rois, Usually("RegionProposals"), "R 5"],
    ) -> Annotated[FeatureMap, "R out_channels rows columns"]:
        """RoIAlign at level floor(log2(side / finest_scale)), side the root of the area."""
        count = len(self.featmap_strides)
        if len(feature) < count:
            raise InputError("feature", f"found {len(feature)} levels, featmap_strides names {count}")
        _, sides = centers_and_sides(rois[:, 1:])
        scale = (sides.prod(dim=1).sqrt() / self.finest_scale + 1e-6).log2()
        level = scale.floor().clamp(min=0, max=count - 1).long()
        return roi_align(feature[:count], self.featmap_strides, self._enlarged(rois), level, self.grid)

    def _enlarged(self, rois: Tensor) -> Tensor:
        if self.roi_scale_factor is None:
            return rois
        center, sides = centers_and_sides(rois[:, 1:])
        half = sides * self.roi_scale_factor * 0.5
        return torch.cat((rois[:, :1], center - half, center + half), dim=1)


def _grid(roi_layer: dict[str, Any]) -> Grid:
    options = dict(roi_layer)
    kind, size = options.pop("type", None), options.pop("output_size", None)
    ratio, aligned = options.pop("sampling_ratio", 0), options.pop("aligned", True)
    options = {key: value for key, value in options.items() if (key, value) not in _WITHOUT_EFFECT}
    sides = (size, size) if isinstance(size, int) else tuple(size or ())
    fine = len(sides) == 2 and all(type(side) is int and side > 0 for side in sides)
    if kind != "RoIAlign" or options or not fine or type(ratio) is not int or ratio < 0 or type(aligned) is not bool:
        text = "expected type RoIAlign, output_size (one number or two), sampling_ratio from 0 on, aligned"
        raise ValueError(f"roi_layer: found {roi_layer}, {text}")
    return Grid((sides[0], sides[1]), ratio, aligned)


_WITHOUT_EFFECT = (("pool_mode", "avg"), ("use_torchvision", False), ("use_torchvision", True))
