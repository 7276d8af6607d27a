"""Targets made from labels, and the size of a batch."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from torch import nn
from torch.nn import functional as F

from components.shared.bounds import Count
from components.shared.value_checks import check_interval, check_range
from composer.ports import AnyTensor, Feeder, Image, Label, Scalar, Usually

__all__ = ["BatchSize", "BinaryTarget", "OneHot"]


class OneHot(nn.Module):
    """A row for each label that is 1 at the label's class and 0 elsewhere, for losses that compare class by class.

    Keywords: to_categorical, categoryencoding, one-hot encoding, label encoding, dummy variables, label to vector.

    Args:
        num_classes: Classes, at least 1; labels are below it.
    """

    def __init__(self, num_classes: Count) -> None:
        super().__init__()
        self.num_classes = num_classes

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes."""
        if "label" in given:
            check_range("label", given["label"], self.num_classes, "label", "set num_classes, or mend it")

    def forward(self, label: Annotated[Label, "B"]) -> Annotated[Label, "B num_classes"]:
        """[B] of integers to [B, num_classes] of float32."""
        return F.one_hot(label.long(), self.num_classes).float()


class BinaryTarget(nn.Module):
    """A row [1] or [0] for each label, for sigmoid losses of one logit: label 1 is the positive class, 0 the other.

    Keywords: binary label, binary classification, one logit, two classes, positive class, bce target.
    """

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels other than 0 and 1; shares from 0 to 1 are taken as they are."""
        label = given.get("label")
        if label is not None and label.is_floating_point():
            check_interval("label", label, 0, 1, "a share of the positive class")
        elif label is not None:
            check_range(
                "label", label.long(), 2, "label", "one logit separates two classes, give the head more, or mend it"
            )

    def forward(self, label: Annotated[Label, "B"]) -> Annotated[Label, "B 1"]:
        """[B] of 0 and 1 to [B, 1] of float32."""
        return label.float().unsqueeze(1)


class BatchSize(nn.Module):
    """How many samples a batch holds, for the ``avg_factor`` of a loss.

    OpenMMLab's heads average every loss by the number of samples. For a loss with one value a sample that is its mean;
    one with a value for each class (sigmoid cross entropy, focal, L1) needs this node to give OpenMMLab's number.

    Keywords: number of samples, len(x), size(0), batch count.
    """

    def forward(self, samples: Annotated[AnyTensor, Usually(Image), "B ..."]) -> Annotated[Scalar, ""]:
        """The size of the first axis, as float32."""
        return torch.ones(samples.shape[0], device=samples.device).sum()
