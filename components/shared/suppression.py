"""Non-maximum suppression without a loop over boxes."""

import importlib.util
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._higher_order_ops.while_loop import while_loop

from components.shared.box_geometry import areas
from components.shared.dynamic_rows import has_no_numbers, true_positions

__all__: list[str] = []

JOINED_LIMIT = 10_000
"""From this many boxes on, groups are distinguished by their numbers and not by shifted boxes, as in mmcv."""

_FIRST_STRETCH = 1024


def unsuppressed(boxes: Tensor, valid: Tensor, iou_threshold: float) -> Tensor:
    """Which boxes stay: the best, then each that overlaps none that stays by more than the threshold.

    The greedy rule keeps j exactly where no kept i before it overlaps it. That has one solution, and repeating it from
    any start reaches the solution after as many steps as the longest chain of boxes that suppress one another.

    Args:
        boxes: [B, n, 4], best first.
        valid: [B, n]; a box that is not valid neither stays nor suppresses.
        iou_threshold: Overlap from which on the worse of two goes.

    Returns:
        [B, n], true for those that stay.
    """
    if boxes.is_meta or boxes.shape[1] == 0:
        return valid
    operators = None if torch.compiler.is_compiling() else torchvision_operators()
    if operators is not None:
        return _by_torchvision(operators, boxes, valid, iou_threshold)
    return _settled(_suppression(boxes, iou_threshold), valid)


def first_kept(boxes: Tensor, groups: Tensor, iou_threshold: float, count: int) -> Tensor:
    """Positions of the best boxes after suppression within each group, at most ``count``; for boxes that run eagerly.

    What a box does depends only on better ones, so stretches of the best are tried until enough stay.

    Args:
        boxes: [n, 4], best first.
        groups: [n], numbers of classes: boxes of two groups do not see each other.
        iou_threshold: Overlap from which on the worse of two goes.
        count: How many are wanted; below 0 all.

    Returns:
        [m], ascending.
    """
    total = len(boxes)
    if total == 0:
        return groups.new_zeros(0)
    if total < JOINED_LIMIT:
        boxes = apart(boxes, groups, boxes.max())
        groups = torch.zeros_like(groups)
    stretch = _FIRST_STRETCH if count >= 0 else total
    while True:
        best, own = boxes[:stretch], groups[:stretch]
        keep = _kept_in_groups(best, own, iou_threshold)
        positions = keep.nonzero().squeeze(1)
        if stretch >= total or 0 <= count <= len(positions):
            return positions[:count] if count >= 0 else positions
        stretch *= 2


def apart(boxes: Tensor, groups: Tensor, largest: Tensor) -> Tensor:
    """Boxes moved so far by their group that those of two groups cannot meet, as mmcv moves them."""
    return boxes + (groups.to(boxes) * (largest + 1))[..., None]


def _kept_in_groups(boxes: Tensor, groups: Tensor, iou_threshold: float) -> Tensor:
    valid = torch.ones_like(groups, dtype=torch.bool)
    if not groups.any():
        return unsuppressed(boxes[None], valid[None], iou_threshold)[0]
    meets = _suppression(boxes[None], iou_threshold) & (groups[:, None] == groups[None])[None]
    return _settled(meets, valid[None])[0]


def _suppression(boxes: Tensor, iou_threshold: float) -> Tensor:
    """[B, n, n], true at (j, i) where i comes before j and overlaps it too much; two empty boxes do not overlap."""
    x1, y1, x2, y2 = boxes.unbind(dim=2)
    width = torch.minimum(x2[:, :, None], x2[:, None]) - torch.maximum(x1[:, :, None], x1[:, None])
    height = torch.minimum(y2[:, :, None], y2[:, None]) - torch.maximum(y1[:, :, None], y1[:, None])
    shared = width.clamp_(min=0) * height.clamp_(min=0)
    sizes = areas(boxes)
    union = (sizes[:, :, None] + sizes[:, None]).sub_(shared)
    return (shared / union > iou_threshold).tril(-1)


def _settled(suppressed: Tensor, valid: Tensor) -> Tensor:
    def step(keep: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        return valid & ~(suppressed & keep[:, None]).any(dim=2), keep.clone()

    def differs(keep: Tensor, before: Tensor) -> Tensor:
        return (keep != before).any()

    keep, before = step(valid, valid)
    if torch.compiler.is_compiling():
        found: Tensor = while_loop(differs, step, (keep, before))[0]  # type: ignore[no-untyped-call]
        return found
    if has_no_numbers(valid):
        return step(keep, before)[0]
    while bool(differs(keep, before)):
        keep, before = step(keep, before)
    return keep


def _by_torchvision(operators: Any, boxes: Tensor, valid: Tensor, iou_threshold: float) -> Tensor:
    keep = torch.zeros_like(valid)
    for image, (own, usable) in enumerate(zip(boxes, valid, strict=True)):
        places = true_positions(usable)
        order = torch.arange(len(places), 0, -1, device=boxes.device, dtype=boxes.dtype)
        keep[image, places[operators.nms(own[places], order, iou_threshold)]] = True
    return keep


@cache
def torchvision_operators() -> Any:
    """``torchvision.ops`` where it is installed and fits the installed torch, else None."""
    if importlib.util.find_spec("torchvision") is None:
        return None
    try:
        operators = importlib.import_module("torchvision.ops")
        operators.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (ImportError, RuntimeError, OSError, AttributeError):  # built for another torch
        return None
    return operators
