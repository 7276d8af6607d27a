"""Which box each prior answers for."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from annotated_types import Interval
from torch import Tensor, nn

from components.shared.box_geometry import check_boxes, pairwise_iou
from composer.ports import Assignment, Boxes, Feeder, Mask, Priors, Usually

__all__ = ["MaxIoUAssigner"]

Share = Annotated[float, Interval(ge=0, le=1)]


class MaxIoUAssigner(nn.Module):
    """A prior answers for the box that it overlaps most, if that is enough (arXiv:1506.01497, section 3.1.2).

    One that overlaps every box too little is background, one between the two thresholds is disregarded. Then each box
    also gets the priors that come nearest to it. All priors are background where an image has no box.

    Keywords: iou assigner, assigner, matcher, anchor matching, box matching, iou, box_iou, target assignment.

    Args:
        pos_iou_thr: Overlap (IoU) from which on a prior answers for a box.
        neg_iou_thr: Overlap below which it is background; of a pair, between the two.
        min_pos_iou: Least overlap at which a box gets the priors nearest to it.
        gt_max_assign_all: Whether it gets all priors that are equally near; else the first.
        match_low_quality: Whether boxes get the priors nearest to them at all.

    Raises:
        ValueError: In ``forward``: boxes are not [n, 4] for each image, not finite, or have no area.
    """

    def __init__(
        self,
        pos_iou_thr: Share,
        neg_iou_thr: Share | tuple[Share, Share],
        min_pos_iou: Share = 0.0,
        gt_max_assign_all: bool = True,
        match_low_quality: bool = True,
    ) -> None:
        super().__init__()
        self.pos_iou_thr = pos_iou_thr
        self.neg_iou_thr = neg_iou_thr if isinstance(neg_iou_thr, tuple) else (0.0, neg_iou_thr)
        self.min_pos_iou = min_pos_iou
        self.gt_max_assign_all = gt_max_assign_all
        self.match_low_quality = match_low_quality

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse boxes that nothing can be learned from before anything runs."""
        if "boxes" in given:
            check_boxes(given["boxes"], len(given["boxes"]))

    @torch.no_grad()
    def forward(
        self,
        priors: Annotated[Priors, Usually("AnchorGenerator"), "N D"],
        boxes: Annotated[Boxes, "G 4"],
        valid: Annotated[Mask, Usually("ValidAnchors"), "B N"] | None = None,
    ) -> Annotated[Assignment, "..."]:
        """[B, N] for anchors [N, 4], which are those of every image; [N] for regions [N, 5].

        ``valid`` marks the anchors that take part.
        """
        check_boxes(boxes, len(boxes) if valid is None else len(valid))
        if priors.shape[1] == 4:
            usable = [None] * len(boxes) if valid is None else valid
            return torch.stack([self._assign(priors, own, mask) for own, mask in zip(boxes, usable, strict=True)])
        found = torch.zeros_like(priors[:, 0], dtype=torch.long)
        for index, own in enumerate(boxes):
            here = priors[:, 0] == index
            found = torch.where(here, self._assign(priors[:, 1:], own, None), found)
        return found

    def _assign(self, priors: Tensor, boxes: Tensor, valid: Tensor | None) -> Tensor:
        if not len(boxes):
            found = priors.new_zeros(len(priors), dtype=torch.long)
            return found if valid is None else found.masked_fill(~valid, -1)
        overlaps = pairwise_iou(boxes.to(priors), priors)
        if valid is not None:
            overlaps = overlaps.masked_fill(~valid, -1.0)
        most, nearest = overlaps.max(dim=0)
        low, high = self.neg_iou_thr
        found = torch.where((most >= low) & (most < high), 0, -1)
        found = torch.where(most >= self.pos_iou_thr, nearest + 1, found)
        return self._with_nearest(overlaps, found) if self.match_low_quality else found

    def _with_nearest(self, overlaps: Tensor, found: Tensor) -> Tensor:
        """Each box with the priors nearest to it; of two boxes with the same prior the later one has it."""
        best, first = overlaps.max(dim=1, keepdim=True)
        gets = overlaps == best if self.gt_max_assign_all else torch.zeros_like(overlaps, dtype=torch.bool)
        gets = gets if self.gt_max_assign_all else gets.scatter(1, first, value=True)
        gets = gets & (best >= self.min_pos_iou) & (best >= 0)
        numbers = torch.arange(1, len(overlaps) + 1, device=overlaps.device)[:, None]
        last = (gets * numbers).amax(dim=0)
        return torch.where(last > 0, last, found)
