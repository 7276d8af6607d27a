"""The loss of Barlow Twins."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from composer.ports import AnyTensor, Loss, Usually

__all__ = ["CrossCorrelationLoss"]


class CrossCorrelationLoss(nn.Module):
    """How far a cross-correlation matrix is from the identity (Barlow Twins, arXiv:2103.03230, equation 1).

    Keywords: barlow twins loss, barlow, redundancy reduction, decorrelation.

    Args:
        lambd: Weight of the elements off the diagonal.
    """

    def __init__(self, lambd: Annotated[float, Ge(0)] = 0.0051) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(
        self, matrix: Annotated[AnyTensor, Usually("LatentCrossCorrelationHead"), "C C"]
    ) -> Annotated[Loss, ""]:
        """Sum of (1 - m_ii)^2, and lambd times the sum of m_ij^2."""
        diagonal = matrix.diagonal()
        off_diagonal = matrix.square().sum() - diagonal.square().sum()
        return (diagonal - 1).square().sum() + self.lambd * off_diagonal
