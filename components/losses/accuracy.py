"""Accuracy, for the log."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from torch import nn

from components.losses.class_rows import check_target
from composer.ports import Embedding, Feeder, Label, Scalar, Usually

__all__ = ["Accuracy"]


class Accuracy(nn.Module):
    """How many percent of the samples have their highest score at the right class; 0 where there are none.

    Keywords: acc, metric, top-1, top-k, top5, evaluation, correct.

    Raises:
        ValueError: In ``forward``: there is one score a sample, which is always the highest.
    """

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes of the scores."""
        check_target(given, feeders, softmax=True)

    @torch.no_grad()
    def forward(
        self, pred: Annotated[Embedding, Usually("LinearClsHead"), "N K"], target: Annotated[Label, "N"]
    ) -> Annotated[Scalar, ""]:
        """100 times the share of hits."""
        if pred.shape[1] == 1:
            raise ValueError("pred: found one score a sample, which is always the highest: expected one a class")
        hits = (pred.argmax(dim=1) == target).to(pred.dtype)
        return 100 * hits.sum() / max(hits.shape[0], 1)
