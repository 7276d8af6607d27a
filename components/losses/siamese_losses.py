"""Losses between the embeddings of views, and the sum of several losses."""

from typing import Annotated

from annotated_types import Ge
from torch import nn
from torch.nn import functional as F

from composer.ports import AnyTensor, Loss, Mask, Usually

__all__ = ["CosineSimilarityLoss", "CrossCorrelationLoss", "LossSum"]


class CosineSimilarityLoss(nn.Module):
    """How far predictions point away from their targets: shift - scale cos(pred, target), the mean over all vectors.

    SimSiam (arXiv:2011.10566, equation 1) as it stands; BYOL (arXiv:2006.07733, equation 2) with shift and scale 2.

    Keywords: cosine loss, cosine embedding loss, negative cosine, cosine similarity, byol loss, simsiam loss,
    cosine distance.

    Args:
        shift_factor: What the cosine is taken from.
        scale_factor: What the cosine is multiplied by.
    """

    def __init__(self, shift_factor: float = 0.0, scale_factor: float = 1.0) -> None:
        super().__init__()
        self.shift_factor = shift_factor
        self.scale_factor = scale_factor

    def forward(
        self,
        pred: Annotated[AnyTensor, Usually("LatentPredictHead"), "..."],
        target: Annotated[AnyTensor, Usually("LatentPredictHead"), "..."],
        mask: Annotated[Mask, Usually(Mask)] | None = None,
    ) -> Annotated[Loss, ""]:
        """The loss.

        Args:
            pred: Predictions, [..., C].
            target: Targets, [..., C].
            mask: What counts, 1 or 0 a vector, [...]; without it all do.
        """
        cosine = F.cosine_similarity(pred, target, dim=-1, eps=1e-12)
        loss = self.shift_factor - self.scale_factor * cosine
        return loss.mean() if mask is None else (loss * mask).sum() / mask.sum()


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
