"""Losses of models that fill in what is hidden: pixels, and visual words."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from components.losses.class_rows import check_target
from components.shared.bounds import Count
from composer.ports import (
    AnyTensor,
    Feeder,
    Image,
    InputError,
    Label,
    Logits,
    Loss,
    Mask,
    Scalar,
    Target,
    Tokens,
    Usually,
)

__all__ = ["BEiTLoss", "CAELoss", "MAEReconstructionLoss", "PixelReconstructionLoss", "SimMIMReconstructionLoss"]

_EPS = 1e-5


class PixelReconstructionLoss(nn.Module):
    """Distance to the target, averaged over what is hidden (MAE, arXiv:2111.06377; SimMIM, arXiv:2111.09886).

    Tokens [B, N, C] are averaged over their numbers first. The sum over what is hidden is divided by the sum of the
    mask; for maps a mask [B, 1, H, W] counts pixels, so that ``channel`` divides by the channels too.

    Keywords: mse, mseloss, mean squared error, l2, l2 loss, squared error, reconstruction loss, autoencoder loss,
    regression loss, pixel loss.

    Args:
        criterion: ``L1`` for the absolute difference, ``L2`` for its square.
        channel: What the loss is divided by; ``None`` for 1.

    Raises:
        ValueError: In ``forward``: the mask fits neither tokens nor maps.
    """

    def __init__(self, criterion: Literal["L1", "L2"], channel: Count | None = None) -> None:
        super().__init__()
        self.criterion, self.channel = criterion, channel or 1

    def forward(
        self,
        pred: Annotated[AnyTensor, Usually("Conv2d"), "..."],
        target: Annotated[AnyTensor, Usually(Target), "..."],
        mask: Mask | None = None,
    ) -> Annotated[Loss, ""]:
        """One number.

        Args:
            pred: Tokens [B, N, C] or maps [B, C, H, W].
            target: The same of what was there.
            mask: [B, N] for tokens, [B, 1, H, W] for maps; 1 or true where it is hidden. Without it all count.
        """
        distance = (pred - target).abs() if self.criterion == "L1" else (pred - target).square()
        elements = distance.mean(dim=2) if distance.dim() == 3 else distance
        return elements.mean() if mask is None else _hidden_sum(elements, mask) / mask.sum() / self.channel


class MAEReconstructionLoss(nn.Module):
    """Mean squared difference of the hidden patches (MAE, arXiv:2111.06377, section 3): mmselfsup's name for it.

    Keywords: mae pretraining loss, masked mse, mse, mseloss, mean squared error, reconstruction loss, l2 loss,
    squared error.
    """

    def forward(
        self,
        pred: Annotated[Tokens, Usually("MAEPretrainDecoder"), "B N C"],
        target: Annotated[Tokens, Usually("MAEPretrainHead"), "B N C"],
        mask: Annotated[Mask, Usually("RandomMasking"), "B N"],
    ) -> Annotated[Loss, ""]:
        """One number.

        Args:
            pred: What is predicted of every patch.
            target: What was there.
            mask: 1 or true where a patch is hidden.
        """
        return _hidden_sum((pred - target).square().mean(dim=2), mask) / mask.sum()


class SimMIMReconstructionLoss(nn.Module):
    """Mean absolute difference of the hidden pixels (SimMIM, arXiv:2111.09886, section 3.4): mmselfsup's name for it.

    Keywords: simmim loss, masked l1, reconstruction loss, masked image modeling loss.

    Args:
        encoder_in_channels: Channels of the image.
    """

    def __init__(self, encoder_in_channels: Count) -> None:
        super().__init__()
        self.encoder_in_channels = encoder_in_channels

    def forward(
        self,
        pred: Annotated[AnyTensor, Usually("SimMIMLinearDecoder"), "B C H W"],
        target: Annotated[AnyTensor, Usually(Image), "B C H W"],
        mask: Annotated[Mask, Usually("SimMIMHead"), "B 1 H W"],
    ) -> Annotated[Loss, ""]:
        """One number.

        Args:
            pred: The filled-in image.
            target: The image.
            mask: 1 or true where a pixel is hidden.
        """
        return _hidden_sum((pred - target).abs(), mask) / (mask.sum() + _EPS) / self.encoder_in_channels


def _hidden_sum(elements: Tensor, mask: Tensor) -> Tensor:
    over_channels = elements.dim() == 4 and mask.shape == (elements.shape[0], 1, *elements.shape[2:])
    if mask.shape != elements.shape and not over_channels:
        raise InputError(
            "mask",
            f"found the sizes {tuple(mask.shape)} for losses of the sizes {tuple(elements.shape)}, expected one "
            "entry a patch, or one a pixel",
        )
    return (elements * mask).sum()


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
