"""Label smoothing."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval, MinLen
from torch import Tensor, nn

from components.losses.class_rows import class_rows
from components.losses.cross_entropy_loss import CrossEntropyLoss
from components.losses.weighted_loss import Reduction
from composer.ports import AnyTensor, Embedding, Feeder, Label, Loss, Scalar, Usually, Weight

__all__ = ["LabelSmoothLoss"]


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
        num_classes: Annotated[int, Ge(1)] | None = None,
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
        target: Annotated[AnyTensor, Usually(Label), "N ..."],
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
