"""Vision transformers of self-supervised training: MAE's encoder, MaskFeat's, and MoCo v3's."""

import math
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from annotated_types import Ge
from torch import nn

from components.backbones.vision_transformer import Arch, VisionTransformer
from components.shared.augmentations import MASKFEAT
from components.shared.initialization import fill_small, trunc_normal_
from components.shared.norm import hold_statistics
from components.shared.patches import hide_tokens, sine_cosine_positions
from composer.ports import Augmentation, FeatureMap, Image, Levels, Mask, Usually

__all__ = ["MAEViT", "MaskFeatViT", "MoCoV3ViT"]

OutType = Literal["raw", "cls_token", "featmap", "avg_featmap"]
_SMALL = {"embed_dims": 384, "num_layers": 12, "num_heads": 12, "feedforward_channels": 1536}


class _MaskedViT(VisionTransformer):
    """A vision transformer that learns from hidden patches, with what OpenMMLab's classes leave to be chosen.

    Args:
        out_type: What is given of each layer: ``raw``, every token, the class token first; or as of VisionTransformer.
    """

    def __init__(self, arch: Arch = "b", out_type: OutType = "raw", **kwargs: Any) -> None:
        super().__init__(
            arch,
            out_type=out_type,
            qkv_bias=True,
            with_cls_token=True,
            frozen_stages=-1,
            layer_scale_init_value=0.0,
            pre_norm=False,
            **kwargs,
        )


class MAEViT(_MaskedViT):
    """The encoder of masked autoencoders: a ViT whose positions are sines and cosines (MAE, arXiv:2111.06377).

    With ``ids_keep`` it reads only those patches, without it all of them. OpenMMLab's class of this name draws the
    patches itself; here ``RandomMasking`` does, which holds ``mask_ratio``.

    Departs from OpenMMLab: with ``ids_keep`` too, tokens go through the dropout after the positions, and
    ``out_indices`` and ``out_type`` count.

    Keywords: mae, masked autoencoder, mae encoder, masked image modeling, mim, vit.

    Raises:
        ValueError: As VisionTransformer, or the length of a token is no multiple of 4.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        positions = sine_cosine_positions(self.patch_resolution, self.embed_dims)
        self.pos_embed = nn.Parameter(positions, requires_grad=False)
        nn.init.xavier_uniform_(self.patch_embed.projection.weight.view(self.embed_dims, -1))
        if self.cls_token is not None:
            nn.init.normal_(self.cls_token, std=0.02)


class MaskFeatViT(_MaskedViT):
    """A ViT in which a learned token stands in for every hidden patch (MaskFeat, arXiv:2112.09133, section 3.1).

    Departs from OpenMMLab: with ``mask`` too, ``out_indices`` and ``out_type`` count.

    Keywords: maskfeat, masked feature prediction, masked image modeling, mim, vit.

    Args:
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list; the defaults come after them, as in
            OpenMMLab.

    Raises:
        ValueError: As VisionTransformer. In ``forward``: the mask has another number of patches.
    """

    augmentation: ClassVar[Augmentation] = MASKFEAT

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))
        for token in (self.cls_token, self.mask_token, self.pos_embed):
            if token is not None:
                trunc_normal_(token, std=0.02)
        fill_small(self, nn.Conv2d)

    def forward(
        self,
        image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"],
        mask: Annotated[Mask, "B Y X"] | None = None,
    ) -> Annotated[Levels, "B ..."]:
        """What ``out_type`` says of each of the layers ``out_indices``.

        Args:
            image: [B, in_channels, H, W].
            mask: [B, patches down, patches across], 1 or true where a patch is hidden; without it none is.
        """
        patches, grid = self.patch_embed(image)
        if mask is not None:
            patches = hide_tokens(patches, self.mask_token, mask)
        return self.encode(self.embed(patches, grid), grid)


class MoCoV3ViT(VisionTransformer):
    """A ViT with fixed positions and, if wanted, a fixed random patch embedding (MoCo v3, arXiv:2104.02057).

    Positions are sines and cosines. A patch embedding that learns nothing keeps training stable (section 4.3).

    Keywords: moco v3, momentum contrast, sincos position, vit.

    Args:
        arch: A name, ``mocov3-small`` (12 heads) among them, or ``{embed_dims, num_layers, num_heads,
            feedforward_channels}``.
        stop_grad_conv1: Whether the convolution of the patch embedding learns nothing.
        frozen_stages: From 0, the embeddings and this many layers are frozen and evaluate; -1 freezes nothing.
        norm_eval: Whether batch normalisations keep their statistics in training too.
        init_cfg: Rules of weight initialisation; the defaults come after them.

    Raises:
        ValueError: As VisionTransformer, or the length of a token is no multiple of 4.
    """

    def __init__(
        self,
        arch: Arch | Literal["mocov3-s", "mocov3-small"] = "base",
        frozen_stages: Annotated[int, Ge(-1)] = -1,
        stop_grad_conv1: bool = False,
        norm_eval: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dict(_SMALL) if arch in ("mocov3-s", "mocov3-small") else arch,  # type: ignore[arg-type]
            frozen_stages=frozen_stages,
            qkv_bias=True,
            with_cls_token=True,
            layer_scale_init_value=0.0,
            pre_norm=False,
            **kwargs,
        )
        self.norm_eval = norm_eval
        self.pos_embed = nn.Parameter(
            sine_cosine_positions(self.patch_resolution, self.embed_dims), requires_grad=False
        )
        if stop_grad_conv1:
            self.patch_embed.projection.requires_grad_(False)
        self._fill()
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Set training mode; frozen layers, and with ``norm_eval`` batch normalisations, go on evaluating."""
        super().train(mode)
        for part in self._frozen_parts():
            part.eval()
        if self.norm_eval:
            hold_statistics(self)
        return self

    def _frozen_parts(self) -> list[nn.Module]:
        return [self.patch_embed] if self.frozen_stages == 0 else super()._frozen_parts()

    @torch.no_grad()
    def _fill(self) -> None:
        """First values: uniform after Glorot and Bengio (2010), with query, key and value as matrices of their own."""
        projection = self.patch_embed.projection
        _uniform(projection.weight, projection.weight[0].numel() + self.embed_dims)
        if projection.bias is not None:
            nn.init.zeros_(projection.bias)
        for name, part in self.named_modules():
            if isinstance(part, nn.Linear):
                into = part.out_features // 3 if name.endswith("qkv") else part.out_features
                _uniform(part.weight, into + part.in_features)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)
        if self.cls_token is not None:
            nn.init.normal_(self.cls_token, std=1e-6)


def _uniform(weight: torch.Tensor, fan: int) -> None:
    bound = math.sqrt(6 / fan)
    nn.init.uniform_(weight, -bound, bound)
