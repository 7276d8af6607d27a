"""Cross entropy, with smoothed labels too, and the accuracy for the log."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Interval, MinLen
from torch import Tensor, nn
from torch.nn import functional as F

from components.losses.class_rows import check_target, class_indices, class_rows
from components.losses.weighted_loss import Divisor, Reduction, SampleWeights, WeightedLoss, weighted_loss
from components.shared.bounds import Count
from composer.ports import AnyTensor, Embedding, Feeder, InputError, Label, Loss, Scalar, SoftTargets, Usually, Weight

__all__ = ["Accuracy", "CrossEntropyLoss", "LabelSmoothLoss"]

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

    def loss_of_guess(self, classes: int) -> float | None:
        """What the loss is where nothing is known of the classes; None where each is a question by itself."""
        return None if self.use_sigmoid else math.log(classes)

    def forward(
        self,
        pred: Annotated[Embedding, Usually("LinearClsHead"), "N K"],
        target: Annotated[AnyTensor, Usually(Label), SoftTargets(), "N ..."],
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


class LabelSmoothLoss(nn.Module):
    """Cross entropy with targets drawn towards all classes (arXiv:1512.00567, section 7).

    Targets are class indices [N] or rows [N, K], with K classes. A target y in (0, 1) and the strength e become

    - ``original``: (1 - e) y + e / K;
    - ``classy_vision``: (y + e / K) / (1 + e);
    - ``multi_label``: 1 - e for classes that are present (y > 0), e for the others.

    Keywords: label smoothing, label smooth, smoothing, labelsmoothingcrossentropy, soft targets, mixup loss, soft
    target cross entropy.

    Args:
        label_smooth_val: The strength e, from 0 to below 1.
        num_classes: K, checked against the logits; None takes it from them.
        use_sigmoid: Whether each class is a question by itself; None is yes in the mode ``multi_label``, else no.
        mode: How targets are smoothed.
        reduction: ``none`` keeps one value a sample (with sigmoid an element); ``mean`` and ``sum`` give one number.
        loss_weight: Multiplies the loss.
        class_weight: Factor of each class, K numbers.
        pos_weight: Factor of a class where it is present: one number, or K of them; only with sigmoid.

    Raises:
        ValueError: ``pos_weight`` comes without sigmoid. In ``forward``: the logits have not ``num_classes`` entries,
            the targets' shape fits neither, or ``avg_factor`` meets the reduction ``sum``.
    """

    def __init__(
        self,
        label_smooth_val: Annotated[float, Interval(ge=0, lt=1)],
        num_classes: Count | None = None,
        use_sigmoid: bool | None = None,
        mode: Literal["original", "classy_vision", "multi_label"] = "original",
        reduction: Reduction = "mean",
        loss_weight: float = 1.0,
        class_weight: Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(1)] | None = None,
        pos_weight: Annotated[float, Ge(0)] | Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(1)] | None = None,
    ) -> None:
        super().__init__()
        self.label_smooth_val = label_smooth_val
        self.num_classes = num_classes
        self.mode = mode
        sigmoid = mode == "multi_label" if use_sigmoid is None else use_sigmoid
        self.ce = CrossEntropyLoss(
            use_sigmoid=sigmoid,
            use_soft=not sigmoid,
            reduction=reduction,
            loss_weight=loss_weight,
            class_weight=class_weight,
            pos_weight=pos_weight,
        )

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes of the logits."""
        self.ce.check_inputs(given, feeders)

    def forward(
        self,
        pred: Annotated[Embedding, Usually("LinearClsHead"), "N K"],
        target: Annotated[AnyTensor, Usually(Label), SoftTargets({"mode": "multi_label"}), "N ..."],
        weight: Annotated[AnyTensor, Usually(Weight), "N"] | None = None,
        avg_factor: Annotated[Scalar, Usually("BatchSize"), ""] | None = None,
        *,
        reduction_override: Reduction | None = None,
    ) -> Loss:
        """Smooth the targets, then cross entropy."""
        classes = pred.shape[1]
        if self.num_classes is not None and self.num_classes != classes:
            raise ValueError(
                f"found logits of {classes} classes, expected num_classes {self.num_classes}: set it to {classes}"
            )
        smooth = self._smooth(class_rows(target, classes).to(pred.dtype))
        return self.ce(pred, smooth, weight, avg_factor, reduction_override=reduction_override)

    def _smooth(self, rows: Tensor) -> Tensor:
        strength, classes = self.label_smooth_val, rows.shape[1]
        if self.mode == "multi_label":
            present = (rows > 0).to(rows.dtype)
            return (1 - 2 * strength) * present + strength
        if self.mode == "classy_vision":
            return (rows + strength / classes) / (1 + strength)
        return (1 - strength) * rows + strength / classes


class Accuracy(nn.Module):
    """How many percent of the samples have their highest score at the right class; 0 where there are none.

    Keywords: acc, metric, top-1, top-k, top5, evaluation, correct.

    Raises:
        ValueError: In ``forward``: there is one score a sample, which is always the highest.
    """

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes of the scores."""
        check_target(given, feeders, softmax=True)

    @torch.no_grad()
    def forward(
        self, pred: Annotated[Embedding, Usually("LinearClsHead"), "N K"], target: Annotated[Label, "N"]
    ) -> Annotated[Scalar, ""]:
        """100 times the share of hits."""
        if pred.shape[1] == 1:
            raise InputError("pred", "found one score a sample, which is always the highest: expected one a class")
        hits = (pred.argmax(dim=1) == target).to(pred.dtype)
        return 100 * hits.sum() / max(hits.shape[0], 1)
