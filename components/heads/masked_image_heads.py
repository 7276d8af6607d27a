"""Heads of models that fill in hidden patches: what is predicted, beside what it should be."""

from dataclasses import replace
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from components.shared.augmentations import MASKFEAT, SIMMIM, VISUAL_WORDS
from components.shared.bounds import Count
from components.shared.initialization import InitCfg, initialize
from components.shared.patches import flat_mask
from components.shared.value_checks import check_range
from composer.ports import AnyTensor, Augmentation, Image, InputError, Label, Logits, Mask, Scalar, Tokens, Usually

__all__ = [
    "BEiTV1Head",
    "BEiTV2Head",
    "CAEHead",
    "MAEPretrainHead",
    "MaskFeatPretrainHead",
    "MixMIMPretrainHead",
    "SimMIMHead",
]

_INIT: dict[str, Any] = {"type": "TruncNormal", "layer": "Linear", "std": 0.02, "bias": 0}
_EPS = 1e-6
_ONE_WORD = "give the target generator images of a size that makes one word a patch"


class MAEPretrainHead(nn.Module):
    """The pixels of every patch, which a masked autoencoder predicts (MAE, arXiv:2111.06377, section 3).

    Keywords: patchify, mae target, norm pix, masked autoencoder target, im2col, unfold.

    Args:
        norm_pix: Whether the pixels of each patch are brought to mean 0 and variance 1.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.

    Raises:
        ValueError: In ``forward``: the image is not made of whole patches.
    """

    def __init__(
        self,
        norm_pix: bool = False,
        patch_size: Count = 16,
        in_channels: Count = 3,
    ) -> None:
        super().__init__()
        self.norm_pix, self.patch_size = norm_pix, patch_size
        self.pixels = patch_size**2 * in_channels

    def forward(self, image: Annotated[Image, "B in_channels H W"]) -> Annotated[Tokens, "B P pixels"]:
        """[B, in_channels, H, W] to [B, patches, numbers]: patches row by row, pixel by pixel with its channels."""
        size = self.patch_size
        if image.shape[2] % size or image.shape[3] % size:
            raise InputError(
                "image", f"found {image.shape[2]} x {image.shape[3]} pixels, expected multiples of patch_size {size}"
            )
        cells = torch.unflatten(torch.unflatten(image, 3, (-1, size)), 2, (-1, size))
        target = cells.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
        if not self.norm_pix:
            return target
        return (target - target.mean(dim=2, keepdim=True)) / (target.var(dim=2, keepdim=True) + _EPS).sqrt()


class Unmixed(NamedTuple):
    """What is predicted of every patch, and the pixels that it should be."""

    pred: Annotated[Tokens, "B P pixels"]
    target: Annotated[Tokens, "B P pixels"]


class MixMIMPretrainHead(nn.Module):
    """Each image put together from the two mixtures that it is part of, and its pixels (MixMIM, arXiv:2205.13137).

    Keywords: mixmim head, mixmae head, unmix, patchify, norm pix, masked image modeling, mim.

    Args:
        norm_pix: Whether the pixels of each patch are brought to mean 0 and variance 1.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.

    Raises:
        ValueError: In ``forward``: the image is not made of whole patches, or the mask has another number of them.
    """

    def __init__(self, norm_pix: bool = False, patch_size: Count = 16, in_channels: Count = 3) -> None:
        super().__init__()
        self.targets = MAEPretrainHead(norm_pix, patch_size, in_channels)
        self.pixels = self.targets.pixels

    def forward(
        self,
        image: Annotated[Image, "B in_channels H W"],
        pred: Annotated[Tokens, Usually("MixMIMPretrainDecoder"), "B P pixels"],
        pred_mixed: Annotated[Tokens, Usually("MixMIMPretrainDecoder.pred_mixed"), "B P pixels"],
        mask: Annotated[Mask, Usually("RandomMasking"), "B P"],
    ) -> Unmixed:
        """What a loss compares.

        Args:
            image: [B, in_channels, H, W].
            pred: What is predicted of each image from its mixture with the one as far from the end of the batch as it
                is from the start.
            pred_mixed: What is predicted of that other image.
            mask: 1 or true where a patch of the mixture is of the other image, alike for all images.
        """
        hidden = flat_mask(mask, pred.shape[1])[:, :, None].to(pred.dtype)
        return Unmixed(pred * hidden + pred_mixed.flip(0) * (1 - hidden), self.targets(image))


class SimMIMHead(nn.Module):
    """The mask of patches as one of pixels, where SimMIM compares images (arXiv:2111.09886, section 3.4).

    Keywords: simmim mask, mask upsampling, upsample mask.

    Args:
        patch_size: Height and width of a patch, in pixels.
    """

    augmentation: ClassVar[Augmentation] = SIMMIM

    def __init__(self, patch_size: Count) -> None:
        super().__init__()
        self.patch_size = patch_size

    def forward(self, mask: Annotated[Mask, "B Y X"]) -> Annotated[Mask, "B 1 H W"]:
        """[B, patches down, patches across] to [B, 1, H, W]."""
        return mask.repeat_interleave(self.patch_size, 1).repeat_interleave(self.patch_size, 2)[:, None]


class HiddenPatches(NamedTuple):
    """A prediction for every patch, and which patches are hidden."""

    pred: Annotated[Tokens, "B P C"]
    mask: Annotated[Mask, "B P"]


class MaskFeatPretrainHead(nn.Module):
    """Rows of predictions laid out by image and patch, without the class token's (MaskFeat, arXiv:2112.09133).

    Keywords: maskfeat head, masked feature prediction.

    Raises:
        ValueError: In ``forward``: the mask has another number of patches than there are rows.
    """

    augmentation: ClassVar[Augmentation] = MASKFEAT

    def forward(
        self, pred: Annotated[AnyTensor, Usually("LinearNeck"), "M C"], mask: Annotated[Mask, "B Y X"]
    ) -> HiddenPatches:
        """[B * (1 + patches), C] to [B, patches, C], and the mask to [B, patches].

        Args:
            pred: A row for every token, image by image, the class token first.
            mask: [B, patches down, patches across], 1 or true where a patch is hidden.
        """
        images, tokens = mask.shape[0], 1 + mask.shape[1] * mask.shape[2]
        if pred.shape[0] != images * tokens:
            raise InputError(
                "mask",
                f"found {images} grids of {mask.shape[1]} x {mask.shape[2]} cells for {pred.shape[0]} rows of "
                f"predictions, expected {images * tokens} rows: one for each cell and one for each class token",
            )
        patches = torch.unflatten(pred, 0, (images, tokens))[:, 1:]
        return HiddenPatches(patches, flat_mask(mask, tokens - 1))


class Words(NamedTuple):
    """Scores of visual words, the right words, which of them count (1 or 0), and how many do."""

    logits: Annotated[Logits, "M num_embed"]
    target: Annotated[Label, "M"]
    weight: Annotated[AnyTensor, "M"]
    avg_factor: Annotated[Scalar, ""]


class WordHead(nn.Module):
    """A linear layer from tokens to scores of visual words.

    Args:
        embed_dims: Length of a token.
        num_embed: Visual words.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list.
    """

    def __init__(self, embed_dims: Count, num_embed: Count, init_cfg: InitCfg = _INIT) -> None:
        super().__init__()
        self.num_embed = num_embed
        self.cls_head = nn.Linear(embed_dims, num_embed)
        initialize(self, init_cfg)


class BEiTV1Head(WordHead):
    """Scores of the visual words of every patch, of which those of hidden patches count (BEiT, arXiv:2106.08254).

    OpenMMLab scores the hidden patches only; here sizes do not depend on the mask, and the loss weighs the others by 0.

    Keywords: beit head, visual words, masked image modeling, mim.

    Raises:
        ValueError: In ``forward``: mask or words are for another number of patches.
    """

    augmentation: ClassVar[Augmentation] = VISUAL_WORDS

    def forward(
        self,
        feature: Annotated[Tokens, Usually("BEiTPretrainViT"), "B T embed_dims"],
        target: Annotated[AnyTensor, Usually("DALLEEncoder"), "B num_embed Y X"],
        mask: Annotated[Mask, "B Y X"],
    ) -> Words:
        """What a loss compares.

        Args:
            feature: Tokens, the class token first.
            target: Scores of the visual words of every patch; the highest is the right one.
            mask: 1 or true where a patch is hidden.
        """
        logits = self.cls_head(feature[:, 1:])
        words = target.argmax(dim=1).flatten(1)
        return _words(logits, words, mask)


class TwoPredictions(NamedTuple):
    """Scores of visual words from two predictions, the right words, which of them count, and how many do."""

    logits: Annotated[Logits, "M num_embed"]
    logits_cls_pt: Annotated[Logits, "M num_embed"]
    target: Annotated[Label, "M"]
    weight: Annotated[AnyTensor, "M"]
    avg_factor: Annotated[Scalar, ""]


class BEiTV2Head(WordHead):
    """Scores of visual words by one layer for the last patches and the early ones (BEiT v2, arXiv:2208.06366).

    As in BEiTV1Head all patches are scored, and the loss weighs those that are not hidden by 0.

    Keywords: visual words, masked image modeling, mim.

    Raises:
        ValueError: In ``forward``: mask or words are for another number of patches, or a word is outside the
            ``num_embed``.
    """

    augmentation: ClassVar[Augmentation] = replace(
        VISUAL_WORDS,
        steps=[
            {"random_resized_crop": {"scale": [0.2, 1.0], "interpolation": "bicubic"}},
            *VISUAL_WORDS.steps[1:],
        ],
    )

    def forward(
        self,
        feats: Annotated[Tokens, Usually("BEiTV2Neck"), "B P embed_dims"],
        feats_cls_pt: Annotated[Tokens, Usually("BEiTV2Neck"), "B P embed_dims"],
        target: Annotated[Label, Usually("VQKD"), "B P"],
        mask: Annotated[Mask, "B Y X"],
    ) -> TwoPredictions:
        """What two losses compare.

        Args:
            feats: Patches of the last layer.
            feats_cls_pt: Patches of an early layer that went on with the last class token.
            target: The visual word of every patch.
            mask: 1 or true where a patch is hidden.
        """
        check_range("target", target, self.num_embed, "the visual word", "set num_embed to the words of the tokenizer")
        first = _words(self.cls_head(feats), target, mask)
        second = self.cls_head(feats_cls_pt).flatten(0, 1)
        return TwoPredictions(first.logits, second, first.target, first.weight, first.avg_factor)


class Alignment(NamedTuple):
    """Scores of the visual words of hidden patches, the right words, and the tokens that the teacher sees there."""

    logits: Annotated[Logits, "M V"]
    target: Annotated[Label, "M"]
    latent_target: Annotated[Tokens, "B K C"]


class CAEHead(nn.Module):
    """What a context autoencoder predicts of the hidden patches, beside what is there (CAE, arXiv:2202.03026).

    Keywords: context autoencoder head, masked image modeling, mim.

    Raises:
        ValueError: In ``forward``: there are fewer visual words than patches.
    """

    augmentation: ClassVar[Augmentation] = VISUAL_WORDS

    def forward(
        self,
        logits: Annotated[Tokens, Usually("CAENeck"), "B K V"],
        target: Annotated[AnyTensor, Usually("DALLEEncoder"), "B V Y X"],
        latent_target: Annotated[Tokens, Usually("CAEPretrainViT"), "B T C"],
        ids_masked: Annotated[AnyTensor, Usually("MaskedPatches"), "B K"],
    ) -> Alignment:
        """What a loss compares.

        Args:
            logits: Scores of the visual words of hidden patches.
            target: Scores of the visual words of every patch; the highest is the right one.
            latent_target: The teacher's tokens of hidden patches, the class token first.
            ids_masked: Which patches are hidden (int64).
        """
        words = target.argmax(dim=1).flatten(1)
        check_range("ids_masked", ids_masked, words.shape[1], "the patch", _ONE_WORD)
        return Alignment(logits.flatten(0, 1), words.gather(1, ids_masked).flatten(), latent_target[:, 1:])


def _words(logits: Tensor, target: Tensor, mask: Tensor) -> Words:
    patches = logits.shape[1]
    weight = flat_mask(mask, patches).flatten().to(logits.dtype)
    if target.shape[1] != patches:
        raise InputError("target", f"found {target.shape[1]} visual words for {patches} patches: {_ONE_WORD}")
    return Words(logits.flatten(0, 1), target.flatten(), weight, weight.sum())
