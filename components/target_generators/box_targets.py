"""What a detector should say of each prior."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import torch
from torch import Tensor, nn

from components.shared.bounds import Count, Size
from components.shared.box_geometry import place
from components.shared.dynamic_rows import has_no_numbers
from components.shared.region_pooling import crop
from components.shared.value_checks import values_are_known
from composer.ports import (
    AnyTensor,
    Assignment,
    Boxes,
    BoxLabels,
    Feeder,
    Image,
    InputError,
    InstanceMasks,
    Label,
    Mask,
    Priors,
    Rois,
    Usually,
    first_look,
)

__all__ = ["BoxTargets", "MaskTargets"]

_AT_ONCE = 32  # masks of the whole image that are cropped together


class Targets(NamedTuple):
    """Class and box that each prior answers for, and how much each counts; M is B N for anchors."""

    labels: Annotated[Label, "M"]
    label_weights: Annotated[AnyTensor, "M"]
    boxes: Annotated[AnyTensor, "M 4"]
    box_weights: Annotated[AnyTensor, "M 4"]


class BoxTargets(nn.Module):
    """Labels, boxes and weights for every prior; a disregarded one has the weight 0, background no box.

    Keywords: bbox targets, box regression targets, rpn targets, roi targets, assign targets, ground truth boxes,
    get_targets.

    Args:
        num_classes: Classes; background is labelled with this number.
        pos_weight: How much a positive prior counts in the classification; 0 or below stands for 1.

    Raises:
        ValueError: In ``forward``: there are not as many labels as boxes, or a label is no class.
    """

    def __init__(self, num_classes: Count, pos_weight: float = -1) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.pos_weight = pos_weight if pos_weight > 0 else 1.0

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes before anything runs."""
        if {"boxes", "box_labels"} <= given.keys():
            check_labels(given["box_labels"], given["boxes"], self.num_classes)

    @torch.no_grad()
    def forward(
        self,
        priors: Annotated[Priors, Usually("RandomSampler"), "N D"],
        assigned: Annotated[Assignment, Usually("RandomSampler"), "..."],
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

    Keywords: mask r-cnn targets, crop masks, roi masks, instance mask targets.

    Args:
        mask_size: Rows and columns: one number or two.
        soft_mask_target: Whether the covered share of each cell is kept; else a cell is 1 from a half on.

    Raises:
        ValueError: In ``forward``: there are not as many masks as boxes, or they are of another size.
    """

    def __init__(
        self,
        mask_size: Size,
        soft_mask_target: bool = False,
    ) -> None:
        super().__init__()
        self.size = (mask_size, mask_size) if isinstance(mask_size, int) else mask_size
        self.cells = self.size[0] * self.size[1]
        self.soft_mask_target = soft_mask_target

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse masks that are not those of the boxes before anything runs."""
        if {"boxes", "masks"} <= given.keys():
            check_masks(given["masks"], given["boxes"], given.get("image"))

    @torch.no_grad()
    def forward(
        self,
        rois: Annotated[Rois, Usually("PositiveSamples"), "N 5"],
        assigned: Annotated[Assignment, Usually("PositiveSamples"), "N"],
        boxes: Annotated[Boxes, "G 4"],
        masks: Annotated[InstanceMasks, "G H W"],
        image: Image | None = None,
    ) -> Annotated[Mask, "N cells"]:
        """One row of cells a region; masks may not be larger than ``image``, nor smaller than the boxes reach."""
        check_masks(masks, boxes, image)
        if has_no_numbers(rois):
            return rois.new_empty(len(rois), self.cells)
        found = rois.new_zeros(len(rois), *self.size)
        for index, own in enumerate(masks):
            rows = (rois[:, 0] == index).nonzero().squeeze(1)
            height, width = own.shape[-2:]
            limits = rois.new_tensor([width, height, width, height])
            inside = torch.minimum(rois[rows, 1:].clamp(min=0), limits)
            for some, part in zip(torch.split(rows, _AT_ONCE), torch.split(inside, _AT_ONCE), strict=True):
                found[some] = crop(own[(assigned[some] - 1).to(own.device)].to(rois.device), part, self.size)
        return (found if self.soft_mask_target else (found >= 0.5).to(found)).flatten(1)


def check_labels(box_labels: Sequence[Tensor], boxes: Sequence[Tensor], num_classes: int) -> None:
    """Refuse labels that are no classes or that are more or fewer than the boxes.

    Raises:
        ValueError: They are.
    """
    counts = [list(one.shape) for one in box_labels], [[len(one)] for one in boxes]
    if counts[0] != counts[1]:
        raise InputError("box_labels", f"found {counts[0]}, expected one label a box: {counts[1]}")
    if (
        not box_labels
        or not all(map(values_are_known, box_labels))
        or not first_look("labels", num_classes, *box_labels)
    ):
        return
    joined = torch.cat([*box_labels])
    wrong = (joined < 0) | (joined >= num_classes)
    if bool(wrong.any()):
        index, row = place(box_labels, int(wrong.nonzero()[0]))
        found = int(box_labels[index][row])
        classes = f"expected a class from 0 to {num_classes - 1}"
        raise InputError("box_labels", f"found {found} for box {row} of image {index}, {classes}")


def check_masks(masks: Sequence[Tensor], boxes: Sequence[Tensor], image: Tensor | None) -> None:
    """Refuse masks that are more or fewer than the boxes, or are not on the pixels of the image.

    Raises:
        ValueError: They are.
    """
    counts = [len(one) for one in masks], [len(one) for one in boxes]
    if counts[0] != counts[1] or any(one.dim() != 3 for one in masks):
        shapes = [list(one.shape) for one in masks]
        raise InputError(
            "masks", f"found {shapes}, expected [n, height, width] with one mask a box: {counts[1]} of them"
        )
    for index, (own, places) in enumerate(zip(masks, boxes, strict=True)):
        if not len(own) or not values_are_known(places) or not first_look("masks", own, places, image):
            continue
        height, width = own.shape[1:]
        found = f"masks: found {height} by {width} pixels for image {index}"
        if image is not None and (height > image.shape[-2] or width > image.shape[-1]):
            raise ValueError(f"{found}, expected no more than the image's {image.shape[-2]} by {image.shape[-1]}")
        if bool((places[:, 2:] > places.new_tensor([width + 1, height + 1])).any()):
            reach = [round(float(value), 1) for value in places[:, 2:].amax(dim=0).flip(0)]
            raise ValueError(f"{found}, expected the size of the image: its boxes reach to {reach[0]} by {reach[1]}")


def _firsts(boxes: Sequence[Tensor], like: Tensor) -> Tensor:
    """For each image how many boxes the images before it have."""
    counts = [0]
    for one in boxes:
        counts.append(counts[-1] + len(one))
    return torch.tensor(counts, device=like.device)
