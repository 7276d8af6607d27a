"""Vision transformers that learn by filling in patches: MAE's encoder and MaskFeat's."""

from typing import Annotated, Any, Literal

import torch
from torch import nn

from components.backbones.vision_transformer import Arch, VisionTransformer
from components.shared.initialization import fill_small, trunc_normal_
from components.shared.patches import hide_tokens, sine_cosine_positions
from composer.ports import FeatureMap, Image, Levels, Mask, Usually

__all__ = ["MAEViT", "MaskFeatViT"]

OutType = Literal["raw", "cls_token", "featmap", "avg_featmap"]


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
