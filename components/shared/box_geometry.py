"""Areas, overlaps and offsets of boxes; a box is x1, y1, x2, y2 in pixels, x2 and y2 behind its last pixel."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from components.shared.value_checks import values_are_known
from composer.ports import InputError, first_look

__all__: list[str] = []

EPS = 1e-6
"""Smallest area that a ratio is taken of."""

LARGEST_STEP = abs(math.log(16 / 1000))
"""How far a width or height may be scaled at once, as a logarithm: 62.5 times (Detectron's limit)."""


def areas(boxes: Tensor) -> Tensor:
    """[..., 4] to [...]."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def intersections(one: Tensor, other: Tensor) -> Tensor:
    """Area that two sets of boxes share, which are broadcast: [..., 4] and [..., 4] to [...]."""
    left_top = torch.maximum(one[..., :2], other[..., :2])
    right_bottom = torch.minimum(one[..., 2:], other[..., 2:])
    sides = (right_bottom - left_top).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def pairwise_iou(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of each box with each: [G, 4] and [N, 4] to [G, N]."""
    shared = intersections(one[:, None], other[None])
    union = areas(one)[:, None] + areas(other)[None] - shared
    return shared / union.clamp(min=EPS)


def generalized_iou(one: Tensor, other: Tensor, eps: float) -> Tensor:
    """IoU less the share of the common hull that neither fills (arXiv:1902.09630, algorithm 1): [N, 4] to [N]."""
    shared = intersections(one, other)
    union = (areas(one) + areas(other) - shared).clamp(min=eps)
    hull_sides = torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(one[..., :2], other[..., :2])
    hull = hull_sides.clamp(min=0).prod(dim=-1).clamp(min=eps)
    return shared / union - (hull - union) / hull


def centers_and_sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """[..., 4] to the centers [..., 2] and the widths and heights [..., 2]."""
    return (boxes[..., :2] + boxes[..., 2:]) * 0.5, boxes[..., 2:] - boxes[..., :2]


def boxes_to_deltas(priors: Tensor, boxes: Tensor, means: Sequence[float], stds: Sequence[float]) -> Tensor:
    """Offsets from priors to boxes (R-CNN, arXiv:1311.2524, appendix C), brought to mean 0 and deviation 1."""
    (prior_center, prior_sides), (center, sides) = centers_and_sides(priors), centers_and_sides(boxes)
    deltas = torch.cat(((center - prior_center) / prior_sides, (sides / prior_sides).log()), dim=-1)
    return (deltas - deltas.new_tensor(means)) / deltas.new_tensor(stds)


def deltas_to_boxes(
    priors: Tensor, deltas: Tensor, means: Sequence[float], stds: Sequence[float], center_limit: float | None = None
) -> Tensor:
    """The opposite of ``boxes_to_deltas``; a side grows or shrinks 62.5 times at most.

    Args:
        priors: [..., 4], broadcast against the offsets.
        deltas: [..., 4].
        means: Mean of each of the four offsets.
        stds: Their deviations.
        center_limit: How many pixels a center moves at most; sides may then shrink without bound (YOLOF).
    """
    offsets = deltas * deltas.new_tensor(stds) + deltas.new_tensor(means)
    center, sides = centers_and_sides(priors)
    step = sides * offsets[..., :2]
    scale = offsets[..., 2:].clamp(max=LARGEST_STEP)
    if center_limit is None:
        scale = scale.clamp(min=-LARGEST_STEP)
    else:
        step = step.clamp(min=-center_limit, max=center_limit)
    center, half = center + step, sides * scale.exp() * 0.5
    return torch.cat((center - half, center + half), dim=-1)


def image_limits(image: Tensor, image_shape: Tensor | None) -> Tensor:
    """Right and bottom end of each image of a batch, [B, 4] as the limits of x1, y1, x2, y2."""
    if image_shape is not None:
        if image_shape.dim() != 2 or image_shape.shape[1] != 2:
            raise InputError("image_shape", f"found {list(image_shape.shape)}, expected height and width of each image")
        return image_shape.flip(1).repeat(1, 2).to(image)
    height, width = image.shape[-2:]
    return image.new_tensor([width, height, width, height]).expand(image.shape[0], 4)


def check_image_shape(image: Tensor | None, image_shape: Tensor | None) -> None:
    """Refuse sizes that the images of a batch cannot have without their padding.

    Raises:
        ValueError: One is larger than the batch, or nothing.
    """
    if image is None or image_shape is None or image_shape.dim() != 2 or not values_are_known(image_shape):
        return
    if not first_look("sizes", image, image_shape):
        return
    height, width = image.shape[-2:]
    wrong = (image_shape < 1) | (image_shape > image_shape.new_tensor([height, width]))
    if bool(wrong.any()):
        index = int(wrong.any(dim=1).nonzero()[0])
        found = " by ".join(f"{float(side):g}" for side in image_shape[index])
        text = f"expected height and width without the padding, at most {height} by {width}"
        raise InputError("image_shape", f"found {found} for image {index}, {text}")


def clipped(boxes: Tensor, limits: Tensor) -> Tensor:
    """Boxes with what is outside the image cut off."""
    return torch.minimum(boxes.clamp(min=0), limits)


def check_boxes(boxes: Sequence[Tensor], count: int, port: str = "boxes") -> None:
    """Refuse boxes that nothing can be learned from.

    Args:
        boxes: One [n, 4] tensor an image.
        count: How many images there are.
        port: The port's name, for the message.

    Raises:
        ValueError: There are other than ``count`` entries, one is not [n, 4], or a box is not finite or has no area.
    """
    if len(boxes) != count:
        raise InputError(port, f"found boxes for {len(boxes)} images, expected {count}: one tensor an image")
    for index, one in enumerate(boxes):
        if one.dim() != 2 or one.shape[1] != 4:
            raise InputError(port, f"found {list(one.shape)} for image {index}, expected [n, 4]; no boxes are [0, 4]")
    if not all(map(values_are_known, boxes)) or not first_look("boxes", *boxes):
        return
    joined = torch.cat([*boxes]) if boxes else torch.empty(0, 4)
    fine = joined.isfinite().all(dim=1) & (joined[:, 2:] > joined[:, :2]).all(dim=1)
    if not bool(fine.all()):
        index, row = place(boxes, int((~fine).nonzero()[0]))
        found = [round(float(value), 3) for value in boxes[index][row]]
        text = "expected x1 < x2 and y1 < y2 in pixels: leave boxes of no area out"
        raise InputError(port, f"found {found} as box {row} of image {index}, {text}")


def place(entries: Sequence[Any], position: int) -> tuple[int, int]:
    """Image and row of a position in all entries joined."""
    for index, entry in enumerate(entries):
        if position < len(entry):
            return index, position
        position -= len(entry)
    raise IndexError(position)
