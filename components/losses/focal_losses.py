"""Losses that give less weight to what is already right."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.nn import functional as F

from components.losses.class_rows import check_target, class_rows
from components.losses.weighted_loss import Divisor, Reduction, SampleWeights, WeightedLoss, Weights, weighted_loss
from composer.ports import AnyTensor, Embedding, Feeder, Label, Loss, SoftTargets, Usually

__all__ = ["AsymmetricLoss", "FocalLoss"]


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
        target: Annotated[AnyTensor, Usually(Label), SoftTargets(), "N ..."],
        weight: Weights = None,
        avg_factor: Divisor = None,
        *,
        reduction_override: Reduction | None = None,
    ) -> Loss:
        """Weighted and reduced; ``weight`` has one factor an element or one a sample."""
        reduction = reduction_override or self.reduction
        own = {"gamma": self.gamma, "alpha": self.alpha, "activated": self.activated}
        return self.loss_weight * sigmoid_focal_loss(pred, target, weight, reduction, avg_factor, **own)


@weighted_loss
def asymmetric_loss(
    pred: Tensor, target: Tensor, gamma_pos: float, gamma_neg: float, clip: float, use_sigmoid: bool, eps: float
) -> Tensor:
    """-(1 - p_t)^gamma log(p_t), where p_t is raised by ``clip`` for classes that are absent."""
    rows = class_rows(target, pred.shape[-1]).to(pred.dtype)
    p = pred.sigmoid() if use_sigmoid else pred.softmax(dim=-1)
    right = (1 - p + clip).clamp(max=1) * (1 - rows) + p * rows
    return -right.clamp(min=eps).log() * (1 - right).pow(gamma_pos * rows + gamma_neg * (1 - rows))


class AsymmetricLoss(WeightedLoss):
    """Focal loss with another exponent for absent classes, and easy ones left out (ASL, arXiv:2009.14119, equation 7).

    Targets are rows [N, K] of 0 and 1, or class indices [N]. The mean is over N x K unless ``avg_factor`` says
    otherwise.

    Keywords: asl, multi-label loss, multilabel, imbalanced, asymmetric.

    Args:
        gamma_pos: How fast the weight of a present class falls as its probability rises.
        gamma_neg: How fast the weight of an absent class falls with its probability.
        clip: Absent classes with a probability up to this one count nothing; 0 for none.
        use_sigmoid: Whether each class is a question by itself; else the softmax over all is asked.
        eps: Smallest probability of which the logarithm is taken.

    Raises:
        ValueError: In ``forward``: the targets' shape fits neither, or ``avg_factor`` meets the reduction ``sum``.
    """

    def __init__(
        self,
        gamma_pos: Annotated[float, Ge(0)] = 0.0,
        gamma_neg: Annotated[float, Ge(0)] = 4.0,
        clip: Annotated[float, Ge(0)] | None = 0.05,
        use_sigmoid: bool = True,
        eps: Annotated[float, Gt(0)] = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gamma_pos = gamma_pos
        self.gamma_neg = gamma_neg
        self.clip = clip or 0.0
        self.use_sigmoid = use_sigmoid
        self.eps = eps

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes of the logits."""
        check_target(given, feeders, softmax=not self.use_sigmoid)

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
        reduction = reduction_override or self.reduction
        own = {"gamma_pos": self.gamma_pos, "gamma_neg": self.gamma_neg, "clip": self.clip}
        own |= {"use_sigmoid": self.use_sigmoid, "eps": self.eps}
        return self.loss_weight * asymmetric_loss(pred, target, weight, reduction, avg_factor, **own)
