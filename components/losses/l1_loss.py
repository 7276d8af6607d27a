"""Losses of a difference."""

from typing import Annotated, Any

from annotated_types import Gt
from torch import Tensor
from torch.nn import functional as F

from components.losses.weighted_loss import Divisor, Reduction, WeightedLoss, Weights, weighted_loss
from composer.ports import AnyTensor, Loss, Target, Usually

__all__ = ["L1Loss", "SmoothL1Loss"]


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
