"""Focal loss."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval
from torch import Tensor
from torch.nn import functional as F

from components.losses.class_rows import check_target, class_rows
from components.losses.weighted_loss import Divisor, Reduction, WeightedLoss, Weights, weighted_loss
from composer.ports import AnyTensor, Embedding, Feeder, Label, Loss, Usually

__all__ = ["FocalLoss"]


@weighted_loss
def sigmoid_focal_loss(pred: Tensor, target: Tensor, gamma: float, alpha: float, activated: bool) -> Tensor:
    """-alpha_t (1 - p_t)^gamma log(p_t), with p_t the probability given to what is true, for each class by itself."""
    rows = class_rows(target, pred.shape[-1], background=True).to(pred.dtype)
    if activated:
        p, q, entropy = pred, 1 - pred, F.binary_cross_entropy(pred, rows, reduction="none")
    else:
        # 1 - sigmoid(x) is sigmoid(-x), which does not round to 0 where the gradient of a power would be infinite.
        p, q = pred.sigmoid(), (-pred).sigmoid()
        entropy = F.binary_cross_entropy_with_logits(pred, rows, reduction="none")
    missed = q * rows + p * (1 - rows)
    alpha_t = alpha * rows + (1 - alpha) * (1 - rows)
    return alpha_t * missed**gamma * entropy


class FocalLoss(WeightedLoss):
    """Sigmoid cross entropy that gives less weight to what is already right (RetinaNet, arXiv:1708.02002, equation 5).

    Targets are class indices [N], of which the number of classes stands for none (background), or rows [N, K]. The
    mean is over N x K unless ``avg_factor`` says otherwise. Serves OpenMMLab's classifiers and detectors, whose
    parameters differ.

    Keywords: focal, sigmoid focal loss, class imbalance, binaryfocalcrossentropy, retinanet loss, imbalanced, hard
    examples.

    Args:
        use_sigmoid: True; there is no softmax form.
        gamma: How fast the weight falls as the probability of what is true rises; 0 is plain cross entropy.
        alpha: Weight of classes that are present; those that are not have 1 - alpha.
        activated: Whether ``pred`` holds probabilities, not logits.

    Raises:
        ValueError: In ``forward``: the targets' shape fits neither, or ``avg_factor`` meets the reduction ``sum``.
    """

    def __init__(
        self,
        use_sigmoid: Literal[True] = True,
        gamma: Annotated[float, Ge(0)] = 2.0,
        alpha: Annotated[float, Interval(ge=0, le=1)] = 0.25,
        activated: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gamma = gamma
        self.alpha = alpha
        self.activated = activated

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes of the logits."""
        check_target(given, feeders, softmax=False)

    def forward(
        self,
        pred: Annotated[Embedding, Usually("LinearClsHead"), "N K"],
        target: Annotated[AnyTensor, Usually(Label), "N ..."],
        weight: Weights = None,
        avg_factor: Divisor = None,
        *,
        reduction_override: Reduction | None = None,
    ) -> Loss:
        """Weighted and reduced; ``weight`` has one factor an element or one a sample."""
        reduction = reduction_override or self.reduction
        own = {"gamma": self.gamma, "alpha": self.alpha, "activated": self.activated}
        return self.loss_weight * sigmoid_focal_loss(pred, target, weight, reduction, avg_factor, **own)
