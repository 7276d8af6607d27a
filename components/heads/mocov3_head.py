"""The head of MoCo v3."""

from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Gt
from torch import nn
from torch.nn import functional as F

from components.heads.predictor import build_predictor
from components.shared.distributed import gathered, process_rank
from composer.ports import Embedding, Label, Logits, Usually

__all__ = ["MoCoV3Head"]


class _Contrast(NamedTuple):
    logits: Annotated[Logits, "B L"]
    target: Annotated[Label, "B"]


class MoCoV3Head(nn.Module):
    """Which key of the batch belongs to a query, as a classification (MoCo v3, arXiv:2104.02057, section 3).

    Queries go through a predictor; the keys of all processes are the classes, where several train together.

    Keywords: infonce, contrastive, predictor, momentum contrast, momentum encoder, ema.

    Args:
        predictor: The network that predicts: ``type`` (NonLinearNeck, LinearNeck or MoCoV2Neck) and its parameters.
        temperature: What cosines are divided by.

    Raises:
        ValueError: The predictor is of another type, or has an option that the type does not take.
    """

    def __init__(self, predictor: dict[str, Any], temperature: Annotated[float, Gt(0)] = 1.0) -> None:
        super().__init__()
        self.predictor = build_predictor(predictor)
        self.in_channels, self.out_channels = predictor["in_channels"], predictor["out_channels"]
        self.temperature = temperature

    def forward(
        self,
        base_out: Annotated[Embedding, Usually("NonLinearNeck"), "B in_channels"],
        momentum_out: Annotated[Embedding, Usually("NonLinearNeck"), "B out_channels"],
    ) -> _Contrast:
        """Cosines of each query with all keys over the temperature, and which key is its own.

        Args:
            base_out: Embeddings of one view by the encoder.
            momentum_out: Embeddings of the other view by its momentum copy; no gradient goes to them.
        """
        query = F.normalize(self.predictor(base_out))
        keys = gathered(F.normalize(momentum_out.detach()))
        own = torch.arange(query.shape[0], device=query.device) + query.shape[0] * process_rank()
        return _Contrast(query @ keys.mT / self.temperature, own)
