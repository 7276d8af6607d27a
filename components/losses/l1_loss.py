"""Losses of a difference."""

from typing import Annotated

from annotated_types import Gt
from torch import Tensor, nn
from torch.nn import functional as F

from components.losses.weighted_loss import Reduction, weighted_loss
from composer.ports import AnyTensor, Loss, Scalar, Target, Usually, Weight

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


class L1Loss(nn.Module):
    """The absolute difference of prediction and target.

    Keywords: l1, mae loss, mean absolute error, absolute error, regression loss, lad, box regression loss.

    Args:
        reduction: ``none`` keeps one value an element; ``mean`` and ``sum`` give one number.
        loss_weight: Multiplies the loss.

    Raises:
        ValueError: In ``forward``: the shapes differ, or ``avg_factor`` meets the reduction ``sum``.
    """

    def __init__(self, reduction: Reduction = "mean", loss_weight: float = 1.0) -> None:
        super().__init__()
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(
        self,
        pred: Annotated[AnyTensor, Usually("Linear"), "..."],
        target: Annotated[AnyTensor, Usually(Target), "..."],
        weight: Annotated[AnyTensor, Usually(Weight)] | None = None,
        avg_factor: Annotated[Scalar, Usually("BatchSize"), ""] | None = None,
        *,
        reduction_override: Reduction | None = None,
    ) -> Loss:
        """Weighted and reduced; ``weight`` has one factor an element or one a sample."""
        reduction = reduction_override or self.reduction
        return self.loss_weight * l1_loss(pred, target, weight, reduction, avg_factor)


class SmoothL1Loss(nn.Module):
    """The absolute difference, but squared near zero (Fast R-CNN, arXiv:1504.08083, equation 3).

    Keywords: huber, huber loss, smooth l1, box regression loss, bbox loss, regression loss.

    Args:
        beta: Where the square goes over into the straight line.
        reduction: ``none`` keeps one value an element; ``mean`` and ``sum`` give one number.
        loss_weight: Multiplies the loss.

    Raises:
        ValueError: In ``forward``: the shapes differ, or ``avg_factor`` meets the reduction ``sum``.
    """

    def __init__(
        self,
        beta: Annotated[float, Gt(0)] = 1.0,
        reduction: Reduction = "mean",
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.beta = beta
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(
        self,
        pred: Annotated[AnyTensor, Usually("Linear"), "..."],
        target: Annotated[AnyTensor, Usually(Target), "..."],
        weight: Annotated[AnyTensor, Usually(Weight)] | None = None,
        avg_factor: Annotated[Scalar, Usually("BatchSize"), ""] | None = None,
        *,
        reduction_override: Reduction | None = None,
    ) -> Loss:
        """Weighted and reduced; ``weight`` has one factor an element or one a sample."""
        reduction = reduction_override or self.reduction
        return self.loss_weight * smooth_l1_loss(pred, target, weight, reduction, avg_factor, beta=self.beta)
