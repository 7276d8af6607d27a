"""Asymmetric loss."""

from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Ge, Gt
from torch import Tensor

from components.losses.class_rows import check_target, class_rows
from components.losses.weighted_loss import Divisor, Reduction, SampleWeights, WeightedLoss, weighted_loss
from composer.ports import AnyTensor, Embedding, Feeder, Label, Loss, Usually

__all__ = ["AsymmetricLoss"]


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
