"""The head of contrastive learning with negatives."""

from typing import Annotated, NamedTuple

import torch
from annotated_types import Gt
from torch import nn

from components.shared.initialization import InitCfg, initialize
from composer.ports import AnyTensor, Label, Logits, Score, Usually

__all__ = ["ContrastiveHead"]


class _Contrast(NamedTuple):
    logits: Annotated[Logits, "N L"]
    target: Annotated[Label, "N"]


class ContrastiveHead(nn.Module):
    """Which key belongs to a query, as a classification in which class 0 is right.

    A cross entropy of its outputs is the InfoNCE loss (MoCo, arXiv:1911.05722, equation 1; SimCLR, arXiv:2002.05709,
    equation 1).

    Keywords: contrastive, infonce, nt-xent, simclr head, moco head, contrastive loss, temperature, contrastive
    learning, self-supervised learning.

    Args:
        temperature: What similarities are divided by.
        init_cfg: Rules that fill the first values; it has no weights of its own.
    """

    def __init__(self, temperature: Annotated[float, Gt(0)] = 0.1, init_cfg: InitCfg = None) -> None:
        super().__init__()
        self.temperature = temperature
        initialize(self, init_cfg)

    def forward(
        self,
        pos: Annotated[Score, Usually("KeySimilarity"), "N 1"],
        neg: Annotated[AnyTensor, Usually("KeySimilarity"), "N K"],
    ) -> _Contrast:
        """Logits of the 1 + K classes, and the right class of each query.

        Args:
            pos: Similarity to the right key.
            neg: Similarities to the others.
        """
        logits = torch.cat([pos, neg], dim=1) / self.temperature
        return _Contrast(logits, torch.zeros(pos.shape[0], dtype=torch.int64, device=pos.device))
