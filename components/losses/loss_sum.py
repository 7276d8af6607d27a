"""Several losses as one."""

from typing import Annotated

from torch import nn

from composer.ports import Loss

__all__ = ["LossSum"]


class LossSum(nn.Module):
    """The sum of losses times a weight: the symmetric losses of BYOL (arXiv:2006.07733) and SimSiam (arXiv:2011.10566).

    Keywords: add losses, total loss, sum of losses, weighted sum of losses, combine losses, multi-task loss,
    overall loss.

    Args:
        weight: What the sum is multiplied by.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, *losses: Annotated[Loss, ""]) -> Annotated[Loss, ""]:
        total = losses[0]
        for loss in losses[1:]:
            total = total + loss
        return total if self.weight == 1 else total * self.weight
