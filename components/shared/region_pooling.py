"""RoIAlign: features of boxes on a grid of a fixed size (Mask R-CNN, arXiv:1703.06870, section 3)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from components.shared.dynamic_rows import has_no_numbers, true_positions, whole_number
from components.shared.suppression import torchvision_operators

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Grid:
    """How a box is sampled.

    Args:
        size: Rows and columns of bins.
        sampling_ratio: Points along each side of a bin; 0 takes as many as the bin has pixels, rounded up.
        aligned: Whether pixel centers lie at half numbers; else everything is half a pixel off, as in older models.
        pixels: The side, in pixels of its level, that a box has at most where there are no numbers to look at.
    """

    size: tuple[int, int]
    sampling_ratio: int = 0
    aligned: bool = True
    pixels: float = 1.0

    @property
    def most(self) -> int:
        """How many points a bin of a square box has where it is as large as its level allows."""
        along = [self.sampling_ratio or max(math.ceil(self.pixels / bins), 1) for bins in self.size]
        return along[0] * along[1]

    def along(self, start: Tensor, end: Tensor, bins: int) -> tuple[Tensor, Tensor, Tensor]:
        """First coordinate, length of a bin and points in a bin along one axis, all [R]."""
        offset = 0.5 if self.aligned else 0.0
        start = start - offset
        length = (end - offset) - start  # rounded as the original's, on which the number of points depends
        if not self.aligned:
            length = length.clamp(min=1)
        step = length / bins
        points = torch.full_like(step, self.sampling_ratio) if self.sampling_ratio > 0 else step.ceil().clamp(min=0)
        return start, step, points.long()


def roi_align(levels: Sequence[Tensor], strides: Sequence[float], rois: Tensor, level: Tensor, grid: Grid) -> Tensor:
    """The mean over the points of each bin, each point interpolated between four pixels.

    Args:
        levels: Feature maps [B, C, H, W].
        strides: Pixels of the image that a pixel of each level stands for.
        rois: [R, 5]: image, x1, y1, x2, y2.
        level: [R], the level that each is taken from.
        grid: How they are sampled.

    Returns:
        [R, C, rows, columns].
    """
    rows, columns = grid.size
    if rois.is_meta:
        return levels[0].new_empty(rois.shape[0], levels[0].shape[1], rows, columns)
    operators = None if torch.compiler.is_compiling() else torchvision_operators()
    if operators is not None:
        found = levels[0].new_zeros(rois.shape[0], levels[0].shape[1], rows, columns)
        for index, (one, stride) in enumerate(zip(levels, strides, strict=True)):
            own = true_positions(level == index, 0 if index else None)  # without numbers all are of the first
            ratio, aligned = grid.sampling_ratio, grid.aligned
            pooled = operators.roi_align(one, rois[own].to(one), grid.size, 1 / stride, ratio, aligned)
            found = found.index_copy(0, own, pooled)
        return found
    # All pixels of all levels as the rows of one table, of which each bin is a weighted sum.
    table = torch.cat([one.permute(0, 2, 3, 1).flatten(0, 2) for one in levels])
    indices, weights, offsets = _points(levels, strides, rois.float(), level, grid)
    bins = F.embedding_bag(indices, table, offsets, mode="sum", per_sample_weights=weights.to(table.dtype))
    return bins.view(rois.shape[0], rows, columns, table.shape[1]).permute(0, 3, 1, 2)


def _points(
    levels: Sequence[Tensor], strides: Sequence[float], rois: Tensor, level: Tensor, grid: Grid
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of the table and their weights, bin after bin, and where each bin begins."""
    rows, columns = grid.size
    device = rois.device
    heights, widths = (torch.tensor([one.shape[axis] for one in levels], device=device)[level] for axis in (2, 3))
    scale = torch.tensor([1 / stride for stride in strides], device=device)[level]
    x1, y1, x2, y2 = (rois[:, 1:] * scale[:, None]).unbind(1)
    start_y, step_y, points_y = grid.along(y1, y2, rows)
    start_x, step_x, points_x = grid.along(x1, x2, columns)

    per_bin = (points_y * points_x)[:, None].expand(-1, rows * columns).flatten()
    total = whole_number(per_bin.sum(), len(per_bin) * grid.most if has_no_numbers(rois) else None)
    bin_ = torch.repeat_interleave(per_bin, output_size=total)
    begins = per_bin.cumsum(0) - per_bin
    within = torch.arange(total, device=device) - begins[bin_]
    roi, cell = bin_ // (rows * columns), bin_ % (rows * columns)
    across = points_x[roi]
    y = start_y[roi] + (cell // columns + (within // across + 0.5) / points_y[roi]) * step_y[roi]
    x = start_x[roi] + (cell % columns + (within % across + 0.5) / across) * step_x[roi]

    low_y, high_y, part_y, inside_y = _neighbours(y, heights[roi])
    low_x, high_x, part_x, inside_x = _neighbours(x, widths[roi])
    share = (inside_y & inside_x) / per_bin[bin_]
    sizes = [one.shape[0] * one.shape[2] * one.shape[3] for one in levels]
    first = torch.tensor([sum(sizes[:index]) for index in range(len(levels))], device=device)[level]
    base = (first + rois[:, 0].long() * heights * widths)[roi]
    upper, lower = base + low_y * widths[roi], base + high_y * widths[roi]
    indices = torch.stack((upper + low_x, upper + high_x, lower + low_x, lower + high_x), dim=1)
    left, top = 1 - part_x, (1 - part_y) * share
    bottom = part_y * share
    weights = torch.stack((top * left, top * part_x, bottom * left, bottom * part_x), dim=1)
    return indices.flatten(), weights.flatten(), begins * 4


def _neighbours(position: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The pixels on both sides of a point, how far it is to the second, and whether it counts.

    A point up to one pixel outside takes the border's value, one further out counts as zero.
    """
    inside = (position >= -1) & (position <= length)
    last = length - 1
    near = torch.minimum(position.clamp(min=0), last.to(position))
    low = near.long()
    return low, torch.minimum(low + 1, last), near - low, inside


def crop(maps: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """One box of each map as RoIAlign sees it at full size: rows times map times columns, as the points are a grid.

    Args:
        maps: [R, H, W].
        boxes: [R, 4].
        size: Rows and columns of bins.

    Returns:
        [R, rows, columns].
    """
    grid = Grid(size)
    if maps.is_meta:
        return boxes.new_empty(boxes.shape[0], *size)
    with torch.autocast(boxes.device.type, enabled=False):  # targets keep the precision of the boxes
        return _resampled(maps, boxes, grid)


def _resampled(maps: Tensor, boxes: Tensor, grid: Grid) -> Tensor:
    size = grid.size
    down = _bin_weights(*grid.along(boxes[:, 1], boxes[:, 3], size[0]), size[0], maps.shape[1])
    across = _bin_weights(*grid.along(boxes[:, 0], boxes[:, 2], size[1]), size[1], maps.shape[2])
    return down @ maps.to(boxes.dtype) @ across.transpose(1, 2)


def _bin_weights(start: Tensor, step: Tensor, points: Tensor, bins: int, length: int) -> Tensor:
    """How much each pixel of a line counts in each bin, [R, bins, length]."""
    most = int(points.max()) if len(points) else 0
    which = torch.arange(most, device=start.device)
    counts, shares = points[:, None, None], points[:, None, None].clamp(min=1)
    place = torch.arange(bins, device=start.device)[:, None] + (which + 0.5) / shares
    low, high, part, inside = _neighbours(
        start[:, None, None] + place * step[:, None, None], torch.tensor(length, device=start.device)
    )
    share = (inside & (which < counts)) / shares
    weights = start.new_zeros(len(start), bins, length)
    return weights.scatter_add_(2, low, share * (1 - part)).scatter_add_(2, high, share * part)
