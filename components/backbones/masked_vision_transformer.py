"""Vision transformers that learn by filling in patches: MAE's encoder and MaskFeat's."""

from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Interval
from torch import nn

from components.backbones.vision_transformer import Arch, VisionTransformer
from components.initialization import InitCfg
from components.masked_tokens import hide_tokens
from components.position_embeddings import sine_cosine_positions
from components.truncated_normal import trunc_normal_
from composer.ports import FeatureMap, Image, LayerCount, Levels, Mask, Usually

__all__ = ["MAEViT", "MaskFeatViT"]

OutType = Literal["raw", "cls_token", "featmap", "avg_featmap"]
Size = Annotated[int, Ge(1)] | tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]]
_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}
_NO_OPTIONS: dict[str, Any] = {}


class MAEViT(VisionTransformer):
    """The encoder of masked autoencoders: a ViT whose positions are sines and cosines (MAE, arXiv:2111.06377).

    With ``ids_keep`` it reads only those patches, without it all of them. OpenMMLab's class of this name draws the
    patches itself; here ``RandomMasking`` does, which holds ``mask_ratio``.

    Departs from OpenMMLab: with ``ids_keep`` too, tokens go through the dropout after the positions, and
    ``out_indices`` and ``out_type`` count.

    Keywords: mae, masked autoencoder, mae encoder, masked image modeling, mim, vit.

    Args:
        arch: A name, or ``{embed_dims, num_layers, num_heads, feedforward_channels}``.
        img_size: Height and width of the images the positions are made for, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        out_indices: The layers whose output is given, counted from 0, or back from -1.
        drop_rate: Dropout after the position embeddings, after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last layer; it rises evenly from 0 at the first.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        final_norm: Whether the output of the last layer is normalised.
        out_type: What is given of each layer: ``raw``, every token, the class token first; or as of VisionTransformer.
        interpolate_mode: How positions are interpolated for images of another size.
        patch_cfg: Options of the patch embedding that replace the above.
        layer_cfgs: Options of every encoder layer, or one dict a layer.
        init_cfg: Rules of weight initialisation that replace the defaults, ``{type, layer, ...}`` or a list.

    Raises:
        ValueError: As VisionTransformer, or the length of a token is no multiple of 4.
    """

    def __init__(
        self,
        arch: Annotated[Arch | dict[str, Any], LayerCount("num_layers")] = "b",
        img_size: Size = 224,
        patch_size: Size = 16,
        in_channels: Annotated[int, Ge(1)] = 3,
        out_indices: int | tuple[int, ...] = -1,
        drop_rate: Annotated[float, Interval(ge=0, le=1)] = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        norm_cfg: dict[str, Any] = _NORM,
        final_norm: bool = True,
        out_type: OutType = "raw",
        interpolate_mode: Literal["bicubic", "bilinear"] = "bicubic",
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        layer_cfgs: dict[str, Any] | tuple[dict[str, Any], ...] = _NO_OPTIONS,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(
            arch=arch,
            img_size=img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            out_indices=out_indices,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
            norm_cfg=norm_cfg,
            final_norm=final_norm,
            out_type=out_type,
            interpolate_mode=interpolate_mode,
            patch_cfg=patch_cfg,
            layer_cfgs=layer_cfgs,
            init_cfg=init_cfg,
        )
        positions = sine_cosine_positions(self.patch_resolution, self.embed_dims)
        self.pos_embed = nn.Parameter(positions, requires_grad=False)
        nn.init.xavier_uniform_(self.patch_embed.projection.weight.view(self.embed_dims, -1))
        if self.cls_token is not None:
            nn.init.normal_(self.cls_token, std=0.02)


class MaskFeatViT(VisionTransformer):
    """A ViT in which a learned token stands in for every hidden patch (MaskFeat, arXiv:2112.09133, section 3.1).

    Departs from OpenMMLab: with ``mask`` too, ``out_indices`` and ``out_type`` count.

    Keywords: maskfeat, masked feature prediction, masked image modeling, mim, vit.

    Args:
        arch: A name, or ``{embed_dims, num_layers, num_heads, feedforward_channels}``.
        img_size: Height and width of the images the position embeddings are made for, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        out_indices: The layers whose output is given, counted from 0, or back from -1.
        drop_rate: Dropout after the position embeddings, after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last layer; it rises evenly from 0 at the first.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        final_norm: Whether the output of the last layer is normalised.
        out_type: What is given of each layer: ``raw``, every token, the class token first; or as of VisionTransformer.
        interpolate_mode: How position embeddings are interpolated for images of another size.
        patch_cfg: Options of the patch embedding that replace the above.
        layer_cfgs: Options of every encoder layer, or one dict a layer.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list; the defaults come after them, as in
            OpenMMLab.

    Raises:
        ValueError: As VisionTransformer. In ``forward``: the mask has another number of patches.
    """

    def __init__(
        self,
        arch: Annotated[Arch | dict[str, Any], LayerCount("num_layers")] = "b",
        img_size: Size = 224,
        patch_size: Size = 16,
        in_channels: Annotated[int, Ge(1)] = 3,
        out_indices: int | tuple[int, ...] = -1,
        drop_rate: Annotated[float, Interval(ge=0, le=1)] = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        norm_cfg: dict[str, Any] = _NORM,
        final_norm: bool = True,
        out_type: OutType = "raw",
        interpolate_mode: Literal["bicubic", "bilinear"] = "bicubic",
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        layer_cfgs: dict[str, Any] | tuple[dict[str, Any], ...] = _NO_OPTIONS,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(
            arch=arch,
            img_size=img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            out_indices=out_indices,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
            norm_cfg=norm_cfg,
            final_norm=final_norm,
            out_type=out_type,
            interpolate_mode=interpolate_mode,
            patch_cfg=patch_cfg,
            layer_cfgs=layer_cfgs,
            init_cfg=init_cfg,
        )
        self.mask_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))
        self._start()

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

    def _start(self) -> None:
        for token in (self.cls_token, self.mask_token, self.pos_embed):
            if token is not None:
                trunc_normal_(token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                trunc_normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
            if isinstance(module, nn.LayerNorm):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
