"""What a two-stage detector says about its regions of interest."""

from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count
from components.shared.box_geometry import image_limits
from components.shared.suppression import first_kept
from composer.ports import (
    AnyTensor,
    Detections,
    Embedding,
    FeatureMap,
    Image,
    ImageShape,
    InputError,
    Label,
    Logits,
    Rois,
    Usually,
)

__all__ = ["ClassSelection", "FirstRegions", "MaskPasting", "RoIBoxPrediction"]

_PIXELS_AT_ONCE = 2**24


class FirstRegions(nn.Module):
    """The first regions of interest of a batch.

    Keywords: top regions, first rois, slice rois, keep rois.

    Args:
        count: How many at most.
    """

    def __init__(self, count: Count = 100) -> None:
        super().__init__()
        self.count = count

    def forward(self, rois: Annotated[Rois, Usually("RegionProposals"), "R 5"]) -> Annotated[Rois, "R2 5"]:
        """Those, in their order."""
        return rois[: torch.sym_min(rois.shape[0], self.count)]  # type: ignore[no-untyped-call]


class ClassSelection(nn.Module):
    """Of what is said for every class only what is said for the right one, a flat row each.

    Keywords: gather, class specific, select class, per-class boxes, take_along_dim, index by label.

    Args:
        num_classes: Classes that something is said for; 1 where one answer serves all.

    Raises:
        ValueError: In ``forward``: the channels are not the same number for each class.
    """

    def __init__(self, num_classes: Count) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward(
        self,
        pred: Annotated[AnyTensor, Usually("FCNMaskHead"), "R C ..."],
        labels: Annotated[Label, Usually("BoxTargets"), "R"],
    ) -> Annotated[Embedding, "R E"]:
        """[R, num_classes E] or [R, num_classes, H, W] to [R, E]; labels beyond the classes take the last one's."""
        if pred.shape[1] % self.num_classes:
            raise InputError(
                "pred", f"found {pred.shape[1]} channels, expected a multiple of {self.num_classes} classes"
            )
        length = pred.shape[1:].numel() // self.num_classes
        rows = pred.reshape(pred.shape[0], self.num_classes, length)
        own = labels.clamp(max=self.num_classes - 1)[:, None, None].expand(-1, 1, length)
        return rows.gather(1, own)[:, 0]


class Detected(NamedTuple):
    """What was found, and where, as regions of interest with their classes."""

    detections: Detections
    rois: Annotated[Rois, "D 5"]
    labels: Annotated[Label, "D"]


class RoIBoxPrediction(nn.Module):
    """What a two-stage detector finds: the best scores, without boxes of a class that overlap better ones.

    Fast R-CNN, arXiv:1504.08083, section 2.4.

    Keywords: nms, non-maximum suppression, faster r-cnn prediction, multiclass_nms, bbox prediction, detections,
    batched_nms, detect, two-stage detector, decode boxes, object detection.

    Args:
        score_thr: Scores have to be above it.
        iou_threshold: From this overlap on the worse of two boxes of one class goes.
        max_per_img: How many detections an image has at most; below 0 all.
    """

    def __init__(
        self,
        score_thr: float = 0.05,
        iou_threshold: Annotated[float, Interval(ge=0, le=1)] = 0.5,
        max_per_img: int = 100,
    ) -> None:
        super().__init__()
        self.score_thr = score_thr
        self.iou_threshold = iou_threshold
        self.max_per_img = max_per_img

    @torch.no_grad()
    def forward(
        self,
        rois: Annotated[Rois, Usually("RegionProposals"), "R 5"],
        cls_score: Annotated[Logits, Usually("Shared2FCBBoxHead"), "R K"],
        boxes: Annotated[AnyTensor, Usually("DeltaXYWHBBoxCoder"), "R E"],
        image: Annotated[Image, "B C H W"],
    ) -> Detected:
        """From the scores of each region and its decoded boxes: one, or one a class."""
        scores = cls_score.softmax(dim=1)[:, :-1]
        classes = scores.shape[1]
        places = boxes.view(boxes.shape[0], -1, 4).expand(-1, classes, 4)
        if rois.is_meta:
            most = rois.shape[0] * classes if self.max_per_img < 0 else image.shape[0] * self.max_per_img
            return Detected([], rois.new_empty(most, 5), rois.new_empty(most, dtype=torch.long))
        found = [self._detect(scores, places, rois[:, 0] == index) for index in range(image.shape[0])]
        numbers = [torch.full_like(one["boxes"][:, :1], index) for index, one in enumerate(found)]
        regions = [torch.cat((number, one["boxes"]), dim=1) for number, one in zip(numbers, found, strict=True)]
        return Detected(found, torch.cat(regions), torch.cat([one["labels"] for one in found]))

    def _detect(self, scores: Tensor, places: Tensor, here: Tensor) -> dict[str, Tensor]:
        region, label = ((scores > self.score_thr) & here[:, None]).nonzero(as_tuple=True)
        score, order = scores[region, label].sort(descending=True)
        region, label = region[order], label[order]
        boxes = places[region, label]
        keep = first_kept(boxes, label, self.iou_threshold, self.max_per_img)
        return {"boxes": boxes[keep], "scores": score[keep], "labels": label[keep]}


class MaskPasting(nn.Module):
    """Masks of detected objects at the size of the image (Mask R-CNN, arXiv:1703.06870, section 3.1, Inference).

    Keywords: paste masks, paste_masks_in_image, mask postprocessing, instance segmentation, mask prediction,
    instance masks.

    Args:
        mask_thr_binary: Probability from which on a pixel belongs to the object; below 0 masks hold 0 to 255.
    """

    def __init__(self, mask_thr_binary: float = 0.5) -> None:
        super().__init__()
        self.mask_thr_binary = mask_thr_binary

    @torch.no_grad()
    def forward(
        self,
        detections: Annotated[Detections, Usually("RoIBoxPrediction")],
        mask_pred: Annotated[FeatureMap, Usually("FCNMaskHead"), "D C H1 W1"],
        labels: Annotated[Label, Usually("RoIBoxPrediction"), "D"],
        image: Annotated[Image, "B C2 H W"],
        image_shape: Annotated[ImageShape, "B 2"] | None = None,
    ) -> Detections:
        """The detections with ``masks`` [n, H, W], of the image without its padding."""
        if mask_pred.is_meta:
            return []
        own = labels.clamp(max=mask_pred.shape[1] - 1)[:, None, None, None]
        masks = mask_pred.gather(1, own.expand(-1, 1, *mask_pred.shape[2:])).sigmoid()
        parts = torch.split(masks, [len(one["boxes"]) for one in detections])
        sizes = image_limits(image, image_shape).round().long()[:, :2].flip(1).tolist()
        pasted = [
            self._paste(part, one["boxes"], *size) for part, one, size in zip(parts, detections, sizes, strict=True)
        ]
        return [{**one, "masks": part} for one, part in zip(detections, pasted, strict=True)]

    def _paste(self, masks: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
        binary = self.mask_thr_binary >= 0
        found = masks.new_zeros(len(masks), height, width, dtype=torch.bool if binary else torch.uint8)
        step = max(1, _PIXELS_AT_ONCE // max(1, height * width))
        for first in range(0, len(masks), step):
            part = slice(first, first + step)
            drawn = _drawn(masks[part], boxes[part], height, width)
            found[part] = drawn >= self.mask_thr_binary if binary else (drawn * 255).to(torch.uint8)
        return found


def _drawn(masks: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """[n, 1, h, w] in boxes [n, 4] to [n, height, width], interpolated at pixel centers and 0 outside."""
    lines: list[Any] = []
    for axis, length in ((0, width), (1, height)):
        low, high = boxes[:, axis, None], boxes[:, axis + 2, None]
        centers = torch.arange(length, device=boxes.device, dtype=boxes.dtype) + 0.5
        line = (centers - low) / (high - low) * 2 - 1
        lines.append(torch.where(line.isinf(), 0, line))
    shape = (len(masks), height, width)
    grid = torch.stack((lines[0][:, None, :].expand(shape), lines[1][:, :, None].expand(shape)), dim=3)
    return F.grid_sample(masks, grid, align_corners=False)[:, 0]
