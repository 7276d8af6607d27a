"""What a head says about anchors, and what is made of it."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import torch
from annotated_types import Interval
from torch import Tensor, nn

from components.shared.bounds import Count
from components.shared.box_geometry import areas
from components.shared.dynamic_rows import true_positions
from components.shared.suppression import JOINED_LIMIT, apart, first_kept, unsuppressed
from composer.ports import AnyTensor, Detections, Embedding, Label, Pyramid, Rois, Usually

__all__ = ["AnchorBoxPrediction", "AnchorPredictions", "RegionProposals"]

Share = Annotated[float, Interval(ge=0, le=1)]


class FlatPredictions(NamedTuple):
    """One row an anchor, image by image, in an image level by level; M is B N."""

    cls_score: Annotated[Embedding, "M K"]
    bbox_pred: Annotated[Embedding, "M 4"]
    level: Annotated[Label, "M"]


class AnchorPredictions(nn.Module):
    """The maps of all levels as one row an anchor, in the order of the anchors, as losses and coders take them.

    Keywords: flatten levels, flatten anchors, permute_and_flatten, anchor head outputs, concat levels.

    Raises:
        ValueError: In ``forward``: scores and offsets are not for the same anchors.
    """

    def forward(
        self,
        cls_score: Annotated[Pyramid, Usually("RetinaHead"), "B C H W"],
        bbox_pred: Annotated[Pyramid, Usually("RetinaHead"), "B D H W"],
    ) -> FlatPredictions:
        """Scores of all classes, four offsets, and the level that each anchor is on."""
        anchors = bbox_pred[0].shape[1] // 4
        channels = cls_score[0].shape[1]
        if len(cls_score) != len(bbox_pred) or anchors < 1 or bbox_pred[0].shape[1] % 4 or channels % anchors:
            found = f"{len(cls_score)} levels of {channels} scores, {len(bbox_pred)} of {bbox_pred[0].shape[1]} offsets"
            raise ValueError(
                f"found {found}: expected as many levels, four offsets an anchor and as many scores for each"
            )
        scores = torch.cat([_rows(one, channels // anchors) for one in cls_score], dim=1)
        deltas = [_rows(one, 4) for one in bbox_pred]
        level = torch.cat(
            [torch.full_like(one[:, :, 0], index, dtype=torch.long) for index, one in enumerate(deltas)], dim=1
        )
        return FlatPredictions(scores.flatten(0, 1), torch.cat(deltas, dim=1).flatten(0, 1), level.flatten())


class Proposals(NamedTuple):
    """Regions that may show an object, image by image, in an image the best first."""

    rois: Annotated[Rois, "R 5"]
    scores: Annotated[AnyTensor, "R"]


class RegionProposals(nn.Module):
    """The best boxes of a region proposal network, less those that overlap better ones (arXiv:1506.01497, section 3).

    How many there are depends on the image. No gradient passes. Before the data are known, there are as many as there
    may be.

    Keywords: proposals, rpn proposals, nms, non-maximum suppression, rpn postprocessing, region proposal, rois,
    batched_nms, proposal layer.

    Args:
        nms_pre: How many boxes of each level are looked at; 0 or below all.
        max_per_img: How many an image gives at most.
        iou_threshold: From this overlap on the worse of two boxes of one level goes.
        min_bbox_size: A box has to be wider and higher than this, in pixels; below 0 any box will do.
        use_sigmoid: Whether an anchor has one score; else two for a softmax: object and background.
    """

    def __init__(
        self,
        nms_pre: int = 1000,
        max_per_img: Count = 1000,
        iou_threshold: Share = 0.7,
        min_bbox_size: float = 0,
        use_sigmoid: bool = True,
    ) -> None:
        super().__init__()
        self.nms_pre = nms_pre
        self.max_per_img = max_per_img
        self.iou_threshold = iou_threshold
        self.min_bbox_size = min_bbox_size
        self.use_sigmoid = use_sigmoid

    @torch.no_grad()
    def forward(
        self,
        cls_score: Annotated[Pyramid, Usually("RPNHead"), "B C H W"],
        boxes: Annotated[AnyTensor, Usually("DeltaXYWHBBoxCoder"), "M 4"],
    ) -> Proposals:
        """From the scores of each level and the decoded boxes of all anchors."""
        batch = cls_score[0].shape[0]
        scores = [self._objectness(one) for one in cls_score]
        places = torch.split(boxes.view(batch, -1, 4), [one.shape[1] for one in scores], dim=1)
        best = [self._best(*pair) for pair in zip(scores, places, strict=True)]
        scores, chosen = [one for one, _ in best], [one for _, one in best]
        keep = self._keep(chosen)
        score = torch.where(keep, torch.cat(scores, dim=1), -torch.inf)
        score, order = score.sort(dim=1, descending=True)
        count = min(self.max_per_img, score.shape[1])
        score, order = score[:, :count], order[:, :count]
        found = torch.cat(chosen, dim=1).gather(1, order[:, :, None].expand(-1, -1, 4))
        image = torch.arange(batch, device=boxes.device).to(found)[:, None, None].expand(-1, count, 1)
        rows = true_positions((score > -torch.inf).flatten())
        return Proposals(torch.cat((image, found), dim=2).flatten(0, 1)[rows], score.flatten()[rows])

    def _objectness(self, level: Tensor) -> Tensor:
        """[B, H W A]."""
        if self.use_sigmoid:
            return _rows(level, 1)[:, :, 0].sigmoid()
        return _rows(level, 2).softmax(dim=2)[:, :, 0]

    def _best(self, scores: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        score, order = scores.sort(dim=1, descending=True)
        if 0 < self.nms_pre < score.shape[1]:
            score, order = score[:, : self.nms_pre], order[:, : self.nms_pre]
        return score, boxes.gather(1, order[:, :, None].expand(-1, -1, 4))

    def _keep(self, levels: Sequence[Tensor]) -> Tensor:
        """[B, n], for the boxes of all levels one after the other."""
        joined = torch.cat([*levels], dim=1)
        shifted = joined.shape[1] < JOINED_LIMIT
        largest = joined.amax(dim=(1, 2))[:, None]
        keep = []
        for index, boxes in enumerate(levels):
            sides = boxes[..., 2:] - boxes[..., :2]
            valid = (sides > self.min_bbox_size).all(dim=2) if self.min_bbox_size >= 0 else areas(boxes).isfinite()
            number = torch.full_like(boxes[:, :, 0], index)
            moved = apart(boxes, number, largest) if shifted else boxes
            keep.append(unsuppressed(moved, valid, self.iou_threshold))
        return torch.cat(keep, dim=1)


class AnchorBoxPrediction(nn.Module):
    """What a one-stage detector finds: the best scores, without boxes of a class that overlap better ones.

    RetinaNet, arXiv:1708.02002, section 4.1, Inference.

    Keywords: nms, non-maximum suppression, retinanet prediction, retinanet postprocessing, detections, bbox
    prediction, one-stage detector, batched_nms, decode boxes, detect, object detection, multiclass_nms.

    Args:
        nms_pre: How many pairs of anchor and class are looked at on each level; 0 or below all.
        score_thr: Scores have to be above it.
        iou_threshold: From this overlap on the worse of two boxes of one class goes.
        max_per_img: How many detections an image has at most; below 0 all.
        min_bbox_size: A box has to be wider and higher than this, in pixels; below 0 any box will do.
        use_sigmoid: Whether classes are scored by themselves; else by a softmax, with background as the last one.
    """

    def __init__(
        self,
        nms_pre: int = 1000,
        score_thr: float = 0.05,
        iou_threshold: Share = 0.5,
        max_per_img: int = 100,
        min_bbox_size: float = 0,
        use_sigmoid: bool = True,
    ) -> None:
        super().__init__()
        self.nms_pre = nms_pre
        self.score_thr = score_thr
        self.iou_threshold = iou_threshold
        self.max_per_img = max_per_img
        self.min_bbox_size = min_bbox_size
        self.use_sigmoid = use_sigmoid

    @torch.no_grad()
    def forward(
        self,
        cls_score: Annotated[Pyramid, Usually("RetinaHead"), "B C H W"],
        boxes: Annotated[AnyTensor, Usually("DeltaXYWHBBoxCoder"), "M 4"],
    ) -> Detections:
        """From the scores of each level and the decoded boxes of all anchors."""
        batch = cls_score[0].shape[0]
        cells = sum(one.shape[2] * one.shape[3] for one in cls_score)
        anchors = boxes.shape[0] // (batch * cells)
        scores = [self._probabilities(one, anchors) for one in cls_score]
        places = torch.split(boxes.view(batch, -1, 4), [one.shape[1] for one in scores], dim=1)
        if boxes.is_meta:
            return []
        return [self._detect([one[index] for one in scores], [one[index] for one in places]) for index in range(batch)]

    def _probabilities(self, level: Tensor, anchors: int) -> Tensor:
        """[B, H W A, K]."""
        rows = _rows(level, level.shape[1] // anchors)
        return rows.sigmoid() if self.use_sigmoid else rows.softmax(dim=2)[:, :, :-1]

    def _detect(self, levels: Sequence[Tensor], places: Sequence[Tensor]) -> dict[str, Tensor]:
        best = [self._best(scores, boxes) for scores, boxes in zip(levels, places, strict=True)]
        scores, labels, boxes = (torch.cat([*parts]) for parts in zip(*best, strict=True))
        if self.min_bbox_size >= 0:
            large = ((boxes[:, 2:] - boxes[:, :2]) > self.min_bbox_size).all(dim=1)
            scores, labels, boxes = scores[large], labels[large], boxes[large]
        scores, order = scores.sort(descending=True)
        labels, boxes = labels[order], boxes[order]
        keep = first_kept(boxes, labels, self.iou_threshold, self.max_per_img)
        return {"boxes": boxes[keep], "scores": scores[keep], "labels": labels[keep]}

    def _best(self, scores: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores, classes and boxes of one level."""
        anchor, label = (scores > self.score_thr).nonzero(as_tuple=True)
        count = min(self.nms_pre, len(anchor)) if self.nms_pre > 0 else len(anchor)
        score, order = scores[anchor, label].topk(count)
        return score, label[order], boxes[anchor[order]]


def _rows(level: Tensor, length: int) -> Tensor:
    """[B, A length, H, W] to [B, H W A, length]: pixel by pixel, at a pixel anchor by anchor."""
    return level.permute(0, 2, 3, 1).reshape(level.shape[0], -1, length)
