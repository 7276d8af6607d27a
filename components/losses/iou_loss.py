"""Losses of overlap."""

from typing import Annotated, Any

from annotated_types import Gt
from torch import Tensor

from components.losses.weighted_loss import Divisor, Reduction, WeightedLoss, Weights, weighted_loss
from components.shared.box_geometry import generalized_iou
from composer.ports import AnyTensor, Loss, Target, Usually

__all__ = ["GIoULoss"]


@weighted_loss
def giou_loss(pred: Tensor, target: Tensor, eps: float) -> Tensor:
    """1 - GIoU."""
    return 1 - generalized_iou(pred, target, eps)


class GIoULoss(WeightedLoss):
    """1 - GIoU of predicted and true boxes (arXiv:1902.09630, section 3.1).

    Keywords: giou, generalized iou, generalized_box_iou_loss, iou loss, box loss, bbox loss, box regression loss,
    intersection over union.

    Args:
        eps: Smallest area that a ratio is taken of, in square pixels.
        reduction: ``none`` keeps one value a box; ``mean`` and ``sum`` give one number.

    Raises:
        ValueError: In ``forward``: ``avg_factor`` meets the reduction ``sum``.
    """

    def __init__(self, eps: Annotated[float, Gt(0)] = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.eps = eps

    def forward(
        self,
        pred: Annotated[AnyTensor, Usually("DeltaXYWHBBoxCoder"), "N 4"],
        target: Annotated[AnyTensor, Usually(Target), "N 4"],
        weight: Weights = None,
        avg_factor: Divisor = None,
        *,
        reduction_override: Reduction | None = None,
    ) -> Loss:
        """Weighted and reduced; of weights [N, 4] the mean over a box counts."""
        if weight is not None and weight.dim() > 1:
            weight = weight.mean(dim=-1)
        reduction = reduction_override or self.reduction
        return self.loss_weight * giou_loss(pred, target, weight, reduction, avg_factor, eps=self.eps)
