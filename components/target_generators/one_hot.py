"""Targets made from labels."""

from typing import Annotated

from annotated_types import Ge
from torch import nn
from torch.nn import functional as F

from composer.ports import Label

__all__ = ["OneHot"]


class OneHot(nn.Module):
    """A row for each label that is 1 at the label's class and 0 elsewhere, for losses that compare class by class.

    Keywords: to_categorical, categoryencoding, one-hot encoding, label encoding, dummy variables, label to vector.

    Args:
        num_classes: Classes, at least 1; labels are below it.
    """

    def __init__(self, num_classes: Annotated[int, Ge(1)]) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward(self, label: Annotated[Label, "B"]) -> Annotated[Label, "B num_classes"]:
        """[B] of int64 to [B, num_classes] of float32."""
        return F.one_hot(label, self.num_classes).float()
