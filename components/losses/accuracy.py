"""Accuracy, for the log."""

from typing import Annotated

import torch
from torch import nn

from composer.ports import Embedding, Label, Scalar, Usually

__all__ = ["Accuracy"]


class Accuracy(nn.Module):
    """How many percent of the samples have their highest score at the right class; 0 where there are none.

    Keywords: acc, metric, top-1, top-k, top5, evaluation, correct.
    """

    def __init__(self) -> None:
        super().__init__()

    @torch.no_grad()
    def forward(
        self, pred: Annotated[Embedding, Usually("LinearClsHead"), "N K"], target: Annotated[Label, "N"]
    ) -> Annotated[Scalar, ""]:
        """100 times the share of hits."""
        hits = (pred.argmax(dim=1) == target).to(pred.dtype)
        return 100 * hits.sum() / max(hits.shape[0], 1)
