"""Losses of models that predict visual words."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge
from torch import nn
from torch.nn import functional as F

from components.losses.class_rows import check_target
from composer.ports import AnyTensor, Feeder, Label, Logits, Loss, Scalar, Tokens, Usually

__all__ = ["BEiTLoss", "CAELoss"]


class BEiTLoss(nn.Module):
    """Cross entropy of the visual words of hidden patches (BEiT, arXiv:2106.08254, eq. 2): mmselfsup's name for it.

    Keywords: beit cross entropy, masked image modeling loss, mim loss.
    """

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no words."""
        check_target(given, feeders, softmax=True)

    def forward(
        self,
        pred: Annotated[Logits, Usually("BEiTV1Head"), "N K"],
        target: Annotated[Label, Usually("BEiTV1Head"), "N"],
        weight: Annotated[AnyTensor, Usually("BEiTV1Head"), "N"] | None = None,
        avg_factor: Annotated[Scalar, Usually("BEiTV1Head"), ""] | None = None,
    ) -> Annotated[Loss, ""]:
        """One number.

        Args:
            pred: Scores of the words.
            target: The right words.
            weight: How much each counts; by default alike.
            avg_factor: What the sum is divided by; by default how many there are.
        """
        losses = F.cross_entropy(pred, target.long(), reduction="none")
        weighted = losses if weight is None else losses * weight
        return weighted.mean() if avg_factor is None else weighted.sum() / avg_factor


class ContextLosses(NamedTuple):
    """What is minimised, and its two parts: the words' and the tokens'."""

    loss: Annotated[Loss, ""]
    main: Annotated[Loss, ""]
    align: Annotated[Loss, ""]


class CAELoss(nn.Module):
    """Cross entropy of visual words, and distance to the teacher's tokens (CAE, arXiv:2202.03026, section 3.3).

    Keywords: context autoencoder loss, alignment loss.

    Args:
        lambd: Factor of the distance.
    """

    def __init__(self, lambd: Annotated[float, Ge(0)]) -> None:
        super().__init__()
        self.lambd = lambd

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no words."""
        check_target(given, {"pred": feeders.get("logits", Feeder())}, softmax=True)

    def forward(
        self,
        logits: Annotated[Logits, Usually("CAEHead"), "M V"],
        target: Annotated[Label, Usually("CAEHead"), "M"],
        latent_pred: Annotated[Tokens, Usually("CAENeck.latent"), "B K C"],
        latent_target: Annotated[Tokens, Usually("CAEHead"), "B K C"],
    ) -> ContextLosses:
        """The sum and its parts.

        Args:
            logits: Scores of the words of hidden patches.
            target: The right words.
            latent_pred: Tokens of hidden patches, as predicted.
            latent_target: As the teacher sees them; no gradient flows back.
        """
        main = F.cross_entropy(logits, target.long())
        align = self.lambd * F.mse_loss(latent_pred, latent_target.detach())
        return ContextLosses(main + align, main, align)
