"""Losses of differences and of the overlap of boxes."""

from typing import Annotated, Any

from annotated_types import Gt
from torch import Tensor
from torch.nn import functional as F

from components.losses.weighted_loss import Divisor, Reduction, WeightedLoss, Weights, weighted_loss
from components.shared.box_geometry import generalized_iou
from composer.ports import AnyTensor, Loss, Target, Usually

__all__ = ["GIoULoss", "L1Loss", "SmoothL1Loss"]


@weighted_loss
def l1_loss(pred: Tensor, target: Tensor) -> Tensor:
    """|pred - target|."""
    _same_shape(pred, target)
    return (pred - target).abs()


@weighted_loss
def smooth_l1_loss(pred: Tensor, target: Tensor, beta: float) -> Tensor:
    """d^2 / (2 beta) where d = |pred - target| is below beta, d - beta / 2 elsewhere."""
    _same_shape(pred, target)
    return F.smooth_l1_loss(pred, target, reduction="none", beta=beta)


def _same_shape(pred: Tensor, target: Tensor) -> None:
    if pred.shape != target.shape:
        raise ValueError(
            f"found pred {list(pred.shape)} and target {list(target.shape)}, expected the same shape: "
            "OneHot turns class indices into rows"
        )


class L1Loss(WeightedLoss):
    """The absolute difference of prediction and target.

    Keywords: l1, mae loss, mean absolute error, absolute error, regression loss, lad, box regression loss.

    Raises:
        ValueError: In ``forward``: the shapes differ, or ``avg_factor`` meets the reduction ``sum``.
    """

    def forward(
        self,
        pred: Annotated[AnyTensor, Usually("Linear"), "..."],
        target: Annotated[AnyTensor, Usually(Target), "..."],
        weight: Weights = None,
        avg_factor: Divisor = None,
        *,
        reduction_override: Reduction | None = None,
    ) -> Loss:
        """Weighted and reduced; ``weight`` has one factor an element or one a sample."""
        return self.loss_weight * self._loss(pred, target, weight, reduction_override or self.reduction, avg_factor)

    def _loss(self, pred: Tensor, target: Tensor, *reduced: Any) -> Tensor:
        return l1_loss(pred, target, *reduced)


class SmoothL1Loss(L1Loss):
    """The absolute difference, but squared near zero (Fast R-CNN, arXiv:1504.08083, equation 3).

    Keywords: huber, huber loss, smooth l1, box regression loss, bbox loss, regression loss.

    Args:
        beta: Where the square goes over into the straight line.

    Raises:
        ValueError: As L1Loss.
    """

    def __init__(self, beta: Annotated[float, Gt(0)] = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.beta = beta

    def _loss(self, pred: Tensor, target: Tensor, *reduced: Any) -> Tensor:
        return smooth_l1_loss(pred, target, *reduced, beta=self.beta)


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
