"""Boxes as offsets from priors, and back."""

from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Gt
from torch import nn

from components.shared.box_geometry import boxes_to_deltas, check_image_shape, clipped, deltas_to_boxes, image_limits
from composer.ports import AnyTensor, Feeder, Image, ImageShape, Priors, Usually

__all__ = ["DeltaXYWHBBoxCoder", "DeltaXYWHBBoxEncoder"]

Four = tuple[float, float, float, float]
FourPositive = tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)], Annotated[float, Gt(0)], Annotated[float, Gt(0)]]


class DeltaXYWHBBoxCoder(nn.Module):
    """Priors moved and scaled by predicted offsets (R-CNN, arXiv:1311.2524, appendix C): from deltas to boxes.

    The opposite, which makes the targets of such predictions, is ``DeltaXYWHBBoxEncoder``.

    Keywords: bbox coder, box coder, bbox decode, decode boxes, delta2bbox, decode, bbox regression, anchors to
    boxes, apply deltas, bounding box.

    Args:
        target_means: Mean of the offsets in x, y, width and height that the predictions are relative to.
        target_stds: Their deviations.
        clip_border: Whether boxes end where their image ends, if that is wired.
        add_ctr_clamp: Whether a center moves no further than ``ctr_clamp`` (YOLOF).
        ctr_clamp: How many pixels that is.
    """

    def __init__(
        self,
        target_means: Four = (0.0, 0.0, 0.0, 0.0),
        target_stds: FourPositive = (1.0, 1.0, 1.0, 1.0),
        clip_border: bool = True,
        add_ctr_clamp: bool = False,
        ctr_clamp: Annotated[float, Gt(0)] = 32.0,
    ) -> None:
        super().__init__()
        self.target_means = target_means
        self.target_stds = target_stds
        self.clip_border = clip_border
        self.center_limit = ctr_clamp if add_ctr_clamp else None

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse sizes that the images cannot have before anything runs."""
        check_image_shape(given.get("image"), given.get("image_shape"))

    def forward(
        self,
        priors: Annotated[Priors, Usually("AnchorGenerator"), "N D"],
        deltas: Annotated[AnyTensor, Usually("AnchorPredictions.bbox_pred"), "M E"],
        image: Image | None = None,
        image_shape: Annotated[ImageShape, "B 2"] | None = None,
    ) -> Annotated[AnyTensor, "M E"]:
        """Boxes in the rows of the deltas: four numbers for each four of them.

        Anchors [N, 4] are the same for every image, so that M is B N; regions [N, 5] say their image. Boxes are cut off
        at the image's end where ``image`` is wired, and where it was padded at ``image_shape``.
        """
        of_anchors = priors.shape[1] == 4
        if of_anchors:
            rows = deltas.reshape(-1, priors.shape[0], deltas.shape[1] // 4, 4)
            start = priors[None, :, None]
        else:
            rows = deltas.reshape(deltas.shape[0], deltas.shape[1] // 4, 4)
            start = priors[:, None, 1:]
        boxes = deltas_to_boxes(start.to(rows), rows, self.target_means, self.target_stds, self.center_limit)
        if self.clip_border and image is not None:
            limits = image_limits(image, image_shape).to(boxes)
            boxes = clipped(boxes, limits[:, None, None] if of_anchors else limits[priors[:, 0].long()][:, None])
        return boxes.reshape(deltas.shape)


class DeltaXYWHBBoxEncoder(nn.Module):
    """The offsets that bring priors to boxes (R-CNN, arXiv:1311.2524, appendix C): what a box head should say.

    Keywords: bbox encoder, encode boxes, bbox encode, bbox2delta, boxcoder encode, regression targets, box targets.

    Args:
        target_means: Mean of the offsets in x, y, width and height, which is subtracted.
        target_stds: Their deviations, which they are divided by.
    """

    def __init__(
        self, target_means: Four = (0.0, 0.0, 0.0, 0.0), target_stds: FourPositive = (1.0, 1.0, 1.0, 1.0)
    ) -> None:
        super().__init__()
        self.target_means = target_means
        self.target_stds = target_stds

    def forward(
        self,
        priors: Annotated[Priors, Usually("AnchorGenerator"), "N D"],
        boxes: Annotated[AnyTensor, Usually("BoxTargets"), "M 4"],
    ) -> Annotated[AnyTensor, "M 4"]:
        """One row a box; a prior of no area that answers for no box has the offset 0."""
        start = priors[:, -4:]
        rows = boxes.reshape(-1, start.shape[0], 4)
        deltas = boxes_to_deltas(start[None], rows, self.target_means, self.target_stds)
        return deltas.masked_fill((rows == start).all(dim=-1, keepdim=True) & ~deltas.isfinite(), 0).reshape(
            boxes.shape
        )
