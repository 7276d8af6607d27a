"""Anchors: the boxes that a one-stage detector, or the first stage of another, starts from."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import torch
from annotated_types import Gt, Interval, MinLen
from torch import Tensor, nn

from components.shared.bounds import Count, Size
from components.shared.box_geometry import check_image_shape, image_limits
from composer.ports import Feeder, Image, ImageShape, InputError, Mask, Priors, Pyramid, Usually

__all__ = ["AnchorGenerator", "ValidAnchors"]

Strides = Annotated[tuple[Size, ...], MinLen(1)]
Positive = Annotated[float, Gt(0)]
Positives = Annotated[tuple[Positive, ...], MinLen(1)]


class AnchorGenerator(nn.Module):
    """Boxes of given scales and ratios at every pixel of every level (Faster R-CNN, arXiv:1506.01497, section 3.1.1).

    They come level by level, row by row, and at a pixel ratio by ratio, each with all its scales.

    Keywords: anchors, anchor, anchor boxes, priors, prior boxes, priorbox, ssd boxes, default boxes, anchor grid.

    Args:
        strides: Pixels of the image that a pixel of each level stands for; a pair is (across, down).
        ratios: Heights over widths.
        scales: Sides of square anchors in base sizes. Give these, or the two octave numbers.
        base_sizes: Base size of each level in pixels; None takes its stride.
        scale_major: Whether anchors at a pixel are ordered by ratio first and then by scale; else the other way round.
        octave_base_scale: The smallest scale of an octave (RetinaNet, arXiv:1708.02002, section 4).
        scales_per_octave: How many scales an octave has: times 2^(i / this number).
        centers: Center of the first pixel's anchors on each level; None puts it at ``center_offset``.
        center_offset: That center in base sizes, from 0 to 1.

    Raises:
        ValueError: The scales are given twice or not at all, or lists have other lengths than ``strides``. In
            ``forward``: another number of levels comes in, or a level's size is none that the image's has at its
            stride.
    """

    def __init__(
        self,
        strides: Strides,
        ratios: Positives,
        scales: Positives | None = None,
        base_sizes: Positives | None = None,
        scale_major: bool = True,
        octave_base_scale: Positive | None = None,
        scales_per_octave: Count | None = None,
        centers: tuple[tuple[float, float], ...] | None = None,
        center_offset: Annotated[float, Interval(ge=0, le=1)] = 0.0,
    ) -> None:
        super().__init__()
        octave = octave_base_scale is not None and scales_per_octave is not None
        if octave == (scales is not None):
            raise ValueError(
                f"found scales {scales}, octave_base_scale {octave_base_scale} and scales_per_octave "
                f"{scales_per_octave}: give either scales or the other two"
            )
        self.strides = tuple(_pair(stride) for stride in strides)
        for name, values in (("base_sizes", base_sizes), ("centers", centers)):
            if values is not None and len(values) != len(strides):
                raise ValueError(f"found {len(values)} {name} for {len(strides)} strides: give one a level")
        if centers is not None and center_offset:
            raise ValueError(f"found center_offset {center_offset} beside centers, which say it all: leave one out")
        if octave_base_scale is not None and scales_per_octave is not None:
            scales = tuple(octave_base_scale * 2 ** (index / scales_per_octave) for index in range(scales_per_octave))
        self.scales = scales or ()
        self.ratios = ratios
        self.base_sizes = base_sizes or tuple(float(min(stride)) for stride in self.strides)
        self.scale_major = scale_major
        self.centers = centers
        self.center_offset = center_offset

    def forward(
        self, feature: Annotated[Pyramid, Usually("FPN"), "B C H W"], image: Image | None = None
    ) -> Annotated[Priors, "N 4"]:
        """All anchors; ``image`` serves to check that the levels have the sizes that ``strides`` say."""
        check_levels(feature, self.strides, image)
        return torch.cat([self._on_level(index, level) for index, level in enumerate(feature)])

    def _on_level(self, index: int, level: Tensor) -> Tensor:
        across, down = self.strides[index]
        rows, columns = level.shape[-2:]
        x = torch.arange(columns, device=level.device).to(level.dtype) * across
        y = torch.arange(rows, device=level.device).to(level.dtype) * down
        y, x = torch.meshgrid(y, x, indexing="ij")
        corners = torch.stack((x, y, x, y), dim=-1)
        return (corners[:, :, None] + self._at_origin(index, level)).flatten(0, 2)

    def _at_origin(self, index: int, like: Tensor) -> Tensor:
        """The anchors of a level's first pixel, [A, 4]."""
        base = self.base_sizes[index]
        x, y = self.centers[index] if self.centers else (self.center_offset * base,) * 2
        scales = torch.tensor(self.scales, device=like.device)
        roots = torch.tensor(self.ratios, device=like.device).sqrt()
        if self.scale_major:
            widths, heights = base * (1 / roots)[:, None] * scales, base * roots[:, None] * scales
        else:
            widths, heights = base * scales[:, None] * (1 / roots), base * scales[:, None] * roots
        half_widths, half_heights = 0.5 * widths.flatten(), 0.5 * heights.flatten()
        corners = (x - half_widths, y - half_heights, x + half_widths, y + half_heights)
        return torch.stack(corners, dim=-1).to(like.dtype)


class ValidAnchors(nn.Module):
    """Which anchors may learn: those on the image itself, not on what a batch padded it by.

    Keywords: anchors inside the image, inside flags, border, valid flags.

    Args:
        strides: Pixels of the image that a pixel of each level stands for, as for the anchors.
        allowed_border: How many pixels an anchor may stick out of the image; below 0 any number.
        pad_size_divisor: Sides of the padded image are multiples of this number; anchors on that padding count.

    Raises:
        ValueError: In ``forward``: the levels do not fit the strides, or the anchors not the levels.
    """

    def __init__(self, strides: Strides, allowed_border: int = -1, pad_size_divisor: Count = 1) -> None:
        super().__init__()
        self.strides = tuple(_pair(stride) for stride in strides)
        self.allowed_border = allowed_border
        self.pad_size_divisor = pad_size_divisor

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse sizes that the images cannot have before anything runs."""
        check_image_shape(given.get("image"), given.get("image_shape"))

    def forward(
        self,
        priors: Annotated[Priors, Usually("AnchorGenerator"), "N 4"],
        feature: Annotated[Pyramid, Usually("FPN"), "B C H W"],
        image: Annotated[Image, "B C1 H W"],
        image_shape: Annotated[ImageShape, "B 2"] | None = None,
    ) -> Annotated[Mask, "B N"]:
        """True for the anchors that may learn, image by image."""
        check_levels(feature, self.strides, image)
        limits = image_limits(image, image_shape)
        padded = (limits[:, :2] / self.pad_size_divisor).ceil() * self.pad_size_divisor
        cells = sum(level.shape[-2] * level.shape[-1] for level in feature)
        if priors.shape[0] % cells:
            raise InputError("priors", f"found {priors.shape[0]}, expected as many at each of the {cells} pixels")
        levels = [self._on_level(index, level, padded) for index, level in enumerate(feature)]
        valid = torch.cat(levels, dim=1).repeat_interleave(priors.shape[0] // cells, dim=1)
        if self.allowed_border < 0:
            return valid
        low, high = -self.allowed_border, limits[:, None, :2] + self.allowed_border
        return valid & (priors[:, :2] >= low).all(dim=1) & (priors[None, :, 2:] < high).all(dim=2)

    def _on_level(self, index: int, level: Tensor, padded: Tensor) -> Tensor:
        """[B, rows * columns]."""
        across, down = self.strides[index]
        rows, columns = level.shape[-2:]
        x = torch.arange(columns, device=level.device) < (padded[:, :1] / across).ceil()
        y = torch.arange(rows, device=level.device) < (padded[:, 1:] / down).ceil()
        return (y[:, :, None] & x[:, None, :]).flatten(1)


def check_levels(feature: Sequence[Tensor], strides: Sequence[tuple[int, int]], image: Tensor | None) -> None:
    """Refuse levels that are not there or have another stride.

    Raises:
        ValueError: One is such.
    """
    if len(feature) != len(strides):
        text = f"expected {len(strides)}, one for each of strides {[list(stride) for stride in strides]}"
        raise InputError("feature", f"found {len(feature)} levels, {text}")
    if image is None:
        return
    height, width = image.shape[-2:]
    for index, (level, (across, down)) in enumerate(zip(feature, strides, strict=True)):
        rows, columns = level.shape[-2:]
        if (rows, columns) != (-(-height // down), -(-width // across)):
            expected = f"{-(-height // down)} by {-(-width // across)}: an image of {height} by {width}"
            raise InputError(
                "feature",
                f"found {rows} by {columns} at level {index}, expected {expected} has that at stride {across}",
            )


def _pair(stride: int | tuple[int, int]) -> tuple[int, int]:
    return (stride, stride) if isinstance(stride, int) else stride
