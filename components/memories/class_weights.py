"""Weights of classes that follow how many samples each has."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn

from components.shared.bounds import Count
from components.shared.value_checks import check_range
from composer.ports import Feeder, Label, Score

__all__ = ["ClassWeights"]


class ClassWeights(nn.Module):
    """The weight of each sample's class, for the ``weight`` of a loss (DeepCluster, arXiv:1807.05520, section 3.3).

    At first all classes weigh the same, and the weights always sum to 1. What runs between epochs or steps changes
    them: a class of n samples then weighs in proportion to n to the power of ``-reweight_pow``.

    Keywords: class balance, reweighting, odc weights, class frequencies, imbalanced.

    Args:
        num_classes: Classes.
        reweight: Whether new counts change the weights.
        reweight_pow: How strongly small classes are favoured: 0 not at all, 1 so that all classes count the same.
        from_start: Whether the weights count before the first counts came; if not, each sample's weight is 1 until
            then, as in OpenMMLab's ODC.

    Raises:
        ValueError: In ``forward``, a label that is no class.
    """

    loss_weight: Tensor
    in_use: Tensor

    def __init__(
        self,
        num_classes: Count,
        reweight: bool = False,
        reweight_pow: Annotated[float, Ge(0)] = 0.5,
        from_start: bool = True,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.reweight = reweight
        self.reweight_pow = reweight_pow
        self.register_buffer("loss_weight", torch.full((num_classes,), 1 / num_classes))
        self.register_buffer("in_use", torch.full((), from_start, dtype=torch.bool), persistent=False)

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse a label that is no class.

        Args:
            given: What comes in, by port.
            feeders: Not looked at.

        Raises:
            ValueError: There is one.
        """
        if "label" in given:
            mend = f"there are {self.num_classes} classes, set num_classes or cluster anew"
            check_range("label", given["label"], self.num_classes, "label", mend)

    def forward(self, label: Annotated[Label, "B"]) -> Annotated[Score, "B"]:
        """w[label]."""
        self.check_inputs({"label": label}, {})
        weight = self.loss_weight[label]
        return torch.where(self.in_use, weight, torch.ones_like(weight))

    @torch.no_grad()
    def set_class_counts(self, counts: Tensor) -> None:
        """Follow new counts; without ``reweight`` nothing changes.

        Args:
            counts: [num_classes], the samples of each class.
        """
        if not self.reweight:
            return
        weight = (counts.to(self.loss_weight) + 1e-10) ** -self.reweight_pow
        self.loss_weight.copy_(weight / weight.sum())
        self.in_use.fill_(True)
