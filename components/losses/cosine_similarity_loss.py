"""Cosine similarity as a loss."""

from typing import Annotated

from torch import nn
from torch.nn import functional as F

from composer.ports import AnyTensor, Loss, Mask, Usually

__all__ = ["CosineSimilarityLoss"]


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
