"""Weights and reduction, the same for every loss, as a function and as a module.

A loss is written as its value for each element, and the decorator adds the rest::

    @weighted_loss
    def l1_loss(pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).abs()

    l1_loss(pred, target, weight=None, reduction="mean", avg_factor=None)
"""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Literal

from torch import Tensor, nn

from composer.ports import AnyTensor, Scalar, Usually, Weight

__all__: list[str] = []

Reduction = Literal["none", "mean", "sum"]
Weights = Annotated[AnyTensor, Usually(Weight)] | None
SampleWeights = Annotated[AnyTensor, Usually(Weight), "N"] | None
Divisor = Annotated[Scalar, Usually("BatchSize"), ""] | None


class WeightedLoss(nn.Module):
    """A loss with one value an element, which is weighted, reduced and multiplied.

    Args:
        reduction: ``none`` keeps one value an element; ``mean`` and ``sum`` give one number.
        loss_weight: Multiplies the loss.
    """

    def __init__(self, reduction: Reduction = "mean", loss_weight: float = 1.0) -> None:
        super().__init__()
        self.reduction = reduction
        self.loss_weight = loss_weight


def weight_reduce_loss(
    loss: Tensor,
    weight: Tensor | None = None,
    reduction: Reduction = "mean",
    avg_factor: Tensor | float | None = None,
) -> Tensor:
    """Multiply by weights and reduce.

    Args:
        loss: One value an element.
        weight: One factor an element, or a factor for each entry of the first axes (for [N, C] elements also [N]).
        reduction: ``none`` keeps the elements, ``mean`` and ``sum`` give one number. The mean of no element is 0.
        avg_factor: What ``mean`` divides the sum by, in place of the number of elements; ``none`` disregards it.

    Raises:
        ValueError: ``avg_factor`` is given with ``sum``, the reduction is none of the three, or ``weight`` has more
            axes than the loss.
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"found reduction {reduction!r}, expected none, mean or sum")
    if weight is not None:
        loss = loss * _spread(weight, loss)
    if reduction == "none":
        return loss
    if avg_factor is None:
        # The mean of nothing is NaN: no positive sample in a batch would end the training.
        return loss.mean() if reduction == "mean" and loss.numel() else loss.sum()
    if reduction == "sum":
        raise ValueError("found avg_factor with the reduction sum, which divides by nothing: use mean, or leave it out")
    return loss.sum() / avg_factor


def weighted_loss(elementwise: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Turn ``(pred, target, ...) -> one value an element`` into a loss with weights and a reduction.

    Args:
        elementwise: Called with ``pred``, ``target`` and the keyword arguments that are its own.

    Returns:
        ``(pred, target, weight=None, reduction="mean", avg_factor=None, **own) -> loss``; see ``weight_reduce_loss``.
    """

    @wraps(elementwise)
    def loss(
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        reduction: Reduction = "mean",
        avg_factor: Tensor | float | None = None,
        **own: Any,
    ) -> Tensor:
        return weight_reduce_loss(elementwise(pred, target, **own), weight, reduction, avg_factor)

    return loss


def _spread(weight: Tensor, loss: Tensor) -> Tensor:
    """The weight with axes of size 1 behind, so that it counts samples and not classes."""
    if weight.dim() > loss.dim():
        raise ValueError(
            f"found weights {list(weight.shape)} for losses {list(loss.shape)}: give one an element or one a sample"
        )
    return weight.to(loss.dtype).reshape(weight.shape + (1,) * (loss.dim() - weight.dim()))
