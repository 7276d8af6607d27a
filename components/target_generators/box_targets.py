"""What a detector should say of each prior."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge
from torch import Tensor, nn

from components.box_geometry import place
from components.region_pooling import crop
from composer.ports import AnyTensor, Assignment, Boxes, BoxLabels, InstanceMasks, Label, Mask, Priors, Rois

__all__ = ["BoxTargets", "MaskTargets"]

_AT_ONCE = 32  # masks of the whole picture that are cropped together


class Targets(NamedTuple):
    """Class and box that each prior answers for, and how much each counts; M is B N for anchors."""

    labels: Annotated[Label, "M"]
    label_weights: Annotated[AnyTensor, "M"]
    boxes: Annotated[AnyTensor, "M 4"]
    box_weights: Annotated[AnyTensor, "M 4"]


class BoxTargets(nn.Module):
    """Labels, boxes and weights for every prior; a disregarded one has the weight 0, background no box.

    Args:
        num_classes: Classes; background is labelled with this number.
        pos_weight: How much a positive prior counts in the classification; 0 or below stands for 1.

    Raises:
        ValueError: In ``forward``: there are not as many labels as boxes, or a label is no class.
    """

    def __init__(self, num_classes: Annotated[int, Ge(1)], pos_weight: float = -1) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.pos_weight = pos_weight if pos_weight > 0 else 1.0

    @torch.no_grad()
    def forward(
        self,
        priors: Annotated[Priors, "N D"],
        assigned: Annotated[Assignment, "..."],
        boxes: Annotated[Boxes, "G 4"],
        box_labels: Annotated[BoxLabels, "G"] | None = None,
    ) -> Targets:
        """Without ``box_labels`` every box is of class 0: an object, whatever it is."""
        if box_labels is None:
            box_labels = [one.new_zeros(len(one), dtype=torch.long) for one in boxes]
        check_labels(box_labels, boxes, self.num_classes)
        image, start = self._image_of(priors, assigned, len(boxes))
        assigned = assigned.flatten()
        positive = assigned > 0
        # One row in front of all boxes for the priors that answer for none.
        all_boxes = torch.cat([priors.new_zeros(1, 4), *(one.to(priors) for one in boxes)])
        all_labels = torch.cat([assigned.new_tensor([self.num_classes]), *(one.to(assigned) for one in box_labels)])
        firsts = _firsts(boxes, assigned)
        row = torch.where(positive, firsts[image] + assigned, 0)
        matched = torch.where(positive[:, None], all_boxes[row], start)
        weights = torch.where(positive, self.pos_weight, (assigned == 0).to(priors.dtype))
        return Targets(all_labels[row], weights, matched, positive[:, None].to(priors.dtype).expand(-1, 4))

    @staticmethod
    def _image_of(priors: Tensor, assigned: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """For each entry of the flat assignment the image that it is of, and its prior."""
        if assigned.dim() == 1:
            return priors[:, 0].long(), priors[:, 1:]
        images = torch.arange(count, device=assigned.device)[:, None].expand_as(assigned)
        return images.flatten(), priors.repeat(count, 1)


class MaskTargets(nn.Module):
    """The part of an object's mask that a region shows, at a fixed size (Mask R-CNN, arXiv:1703.06870, section 3).

    Args:
        mask_size: Rows and columns: one number or two.
        soft_mask_target: Whether the covered share of each cell is kept; else a cell is 1 from a half on.

    Raises:
        ValueError: In ``forward``: there are not as many masks as boxes.
    """

    def __init__(
        self,
        mask_size: Annotated[int, Ge(1)] | tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]],
        soft_mask_target: bool = False,
    ) -> None:
        super().__init__()
        self.size = (mask_size, mask_size) if isinstance(mask_size, int) else mask_size
        self.cells = self.size[0] * self.size[1]
        self.soft_mask_target = soft_mask_target

    @torch.no_grad()
    def forward(
        self,
        rois: Annotated[Rois, "N 5"],
        assigned: Annotated[Assignment, "N"],
        boxes: Annotated[Boxes, "G 4"],
        masks: Annotated[InstanceMasks, "G H W"],
    ) -> Annotated[Mask, "N cells"]:
        """One row of cells a region."""
        counts = [len(one) for one in masks], [len(one) for one in boxes]
        if counts[0] != counts[1]:
            raise ValueError(f"masks: found {counts[0]} for the images, expected one mask a box: {counts[1]}")
        if rois.is_meta:
            return rois.new_empty(len(rois), self.cells)
        found = rois.new_zeros(len(rois), *self.size)
        for index, own in enumerate(masks):
            rows = (rois[:, 0] == index).nonzero().squeeze(1)
            height, width = own.shape[-2:]
            limits = rois.new_tensor([width, height, width, height])
            inside = torch.minimum(rois[rows, 1:].clamp(min=0), limits)
            for some, part in zip(rows.split(_AT_ONCE), inside.split(_AT_ONCE), strict=True):
                found[some] = crop(own[assigned[some] - 1].to(rois.device), part, self.size)
        return (found if self.soft_mask_target else (found >= 0.5).to(found)).flatten(1)


def check_labels(box_labels: Sequence[Tensor], boxes: Sequence[Tensor], num_classes: int) -> None:
    """Refuse labels that are no classes or that are more or fewer than the boxes.

    Raises:
        ValueError: They are.
    """
    counts = [list(one.shape) for one in box_labels], [[len(one)] for one in boxes]
    if counts[0] != counts[1]:
        raise ValueError(f"box_labels: found {counts[0]}, expected one label a box: {counts[1]}")
    if not box_labels or any(one.is_meta for one in box_labels):
        return
    joined = torch.cat([*box_labels])
    wrong = (joined < 0) | (joined >= num_classes)
    if bool(wrong.any()):
        index, row = place(box_labels, int(wrong.nonzero()[0]))
        found = int(box_labels[index][row])
        raise ValueError(f"box_labels[{index}][{row}]: found {found}, expected a class from 0 to {num_classes - 1}")


def _firsts(boxes: Sequence[Tensor], like: Tensor) -> Tensor:
    """For each image how many boxes the images before it have."""
    counts = [0]
    for one in boxes:
        counts.append(counts[-1] + len(one))
    return torch.tensor(counts, device=like.device)
