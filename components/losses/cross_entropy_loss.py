"""Cross entropy."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from annotated_types import Ge, MinLen
from torch import Tensor
from torch.nn import functional as F

from components.losses.class_rows import check_target, class_indices, class_rows
from components.losses.weighted_loss import Divisor, Reduction, SampleWeights, WeightedLoss, weighted_loss
from composer.ports import AnyTensor, Embedding, Feeder, Label, Loss, Usually

__all__ = ["CrossEntropyLoss"]

_DISREGARDED = -100


@weighted_loss
def cross_entropy(pred: Tensor, target: Tensor, class_weight: Tensor | None) -> Tensor:
    """-log softmax(pred) at the target; for rows, averaged by their probabilities."""
    target = target if target.is_floating_point() else class_indices(target, pred.shape[-1])
    return F.cross_entropy(pred, target, weight=class_weight, reduction="none")


@weighted_loss
def soft_cross_entropy(pred: Tensor, target: Tensor, class_weight: Tensor | None) -> Tensor:
    """-sum of target log softmax(pred)."""
    loss = -class_rows(target, pred.shape[-1]).to(pred.dtype) * pred.log_softmax(dim=-1)
    return (loss if class_weight is None else loss * class_weight).sum(dim=-1)


@weighted_loss
def binary_cross_entropy(
    pred: Tensor, target: Tensor, class_weight: Tensor | None, pos_weight: Tensor | None
) -> Tensor:
    """-target log sigmoid(pred) - (1 - target) log(1 - sigmoid(pred)), for each class by itself."""
    rows = class_rows(target, pred.shape[-1], background=True).to(pred.dtype)
    return F.binary_cross_entropy_with_logits(pred, rows, weight=class_weight, pos_weight=pos_weight, reduction="none")


class CrossEntropyLoss(WeightedLoss):
    """Cross entropy between logits and labels, softmax or sigmoid.

    Targets are class indices [N] or rows [N, K] of probabilities. With ``use_sigmoid`` each class has a loss of its
    own, so that the mean is over N x K, and an index that equals the number of classes stands for none of them where a
    node computes the targets, as in detectors; labels straight from the data are classes, and for one logit rows
    [N, 1] (``BinaryTarget``). Without, the index -100 is disregarded.

    Keywords: loss, ce, cross entropy, softmax loss, nll, nll loss, negative log likelihood, categorical cross
    entropy, sparse categorical crossentropy, log loss, bce, bceloss, bce with logits, bcewithlogitsloss, binary
    cross entropy, multi-label loss, multilabelsoftmarginloss, classification loss, criterion.

    Args:
        use_sigmoid: Whether each class is a question by itself, answered by a sigmoid.
        use_soft: Whether targets are rows, also of integers (softmax with rows of floats needs no such hint).
        reduction: ``none`` keeps one value a sample (with ``use_sigmoid`` an element); ``mean`` and ``sum`` give one
            number.
        class_weight: Factor of each class, K numbers; the mean does not divide by them.
        pos_weight: Factor of a class where it is present: one number, or K of them; only with ``use_sigmoid``.

    Raises:
        ValueError: ``use_sigmoid`` meets ``use_soft``, or ``pos_weight`` comes without ``use_sigmoid``. In
            ``forward``: the targets' shape fits neither, or ``avg_factor`` meets the reduction ``sum``.
    """

    class_weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        use_sigmoid: bool = False,
        use_soft: bool = False,
        class_weight: Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(1)] | None = None,
        pos_weight: Annotated[float, Ge(0)] | Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(1)] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if use_sigmoid and use_soft:
            raise ValueError(
                "found use_sigmoid and use_soft together, use_soft is about softmax: leave one of them out"
            )
        if pos_weight is not None and not use_sigmoid:
            raise ValueError(
                "found pos_weight without use_sigmoid, where it has no effect: leave it out, or set use_sigmoid"
            )
        self.use_sigmoid = use_sigmoid
        self.use_soft = use_soft
        self.register_buffer("class_weight", _vector(class_weight), persistent=False)
        self.register_buffer("pos_weight", _vector(pos_weight), persistent=False)

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes of the logits."""
        if self.use_sigmoid:
            check_target(given, feeders, softmax=False)
        else:
            ignored = None if self.use_soft else _DISREGARDED
            check_target(given, feeders, softmax=True, integer_rows=self.use_soft, disregarded=ignored)

    def forward(
        self,
        pred: Annotated[Embedding, Usually("LinearClsHead"), "N K"],
        target: Annotated[AnyTensor, Usually(Label), "N ..."],
        weight: SampleWeights = None,
        avg_factor: Divisor = None,
        *,
        reduction_override: Reduction | None = None,
    ) -> Loss:
        """Weighted and reduced."""
        reduced = (weight, reduction_override or self.reduction, avg_factor)
        if self.use_sigmoid:
            weights = {"class_weight": self.class_weight, "pos_weight": self.pos_weight}
            return self.loss_weight * binary_cross_entropy(pred, target, *reduced, **weights)
        criterion = soft_cross_entropy if self.use_soft else cross_entropy
        return self.loss_weight * criterion(pred, target, *reduced, class_weight=self.class_weight)


def _vector(numbers: float | tuple[float, ...] | None) -> Tensor | None:
    return None if numbers is None else torch.tensor(numbers, dtype=torch.float32)
