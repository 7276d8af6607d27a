"""Swin transformer that learns by filling in patches."""

from typing import Annotated, Any

import torch
from annotated_types import Ge, Interval
from torch import nn

from components.backbones.swin_transformer import Arch, SwinTransformer
from components.initialization import InitCfg
from components.masked_tokens import hide_tokens
from components.truncated_normal import trunc_normal_
from composer.ports import FeatureMap, Image, LayerCount, Mask, Pyramid, Usually

__all__ = ["SimMIMSwinTransformer"]

_NORM: dict[str, Any] = {"type": "LN"}
_NO_OPTIONS: dict[str, Any] = {}


class SimMIMSwinTransformer(SwinTransformer):
    """A Swin transformer in which a learned token stands in for every hidden patch (SimMIM, arXiv:2111.09886).

    Keywords: simmim, masked image modeling, mim, mask token, swin.

    Args:
        arch: A name, or ``{embed_dims, depths, num_heads}``.
        img_size: Height and width of the images that absolute position embeddings are made for, in pixels.
        in_channels: Channels of the image.
        drop_rate: Dropout after the patch embedding.
        drop_path_rate: Stochastic depth rate of the last block; it rises evenly from 0 at the first.
        out_indices: The stages whose map is given, from 0, rising.
        use_abs_pos_embed: Whether absolute position embeddings are added to the patches.
        with_cp: Whether blocks compute their insides again in the backward pass, which saves memory.
        frozen_stages: From 0, the patch embedding and the stages up to this one are frozen; -1 freezes nothing.
        norm_eval: Whether batch normalisation stays in evaluation mode.
        norm_cfg: Normalisation of the maps that are given, ``{type: LN, eps, requires_grad}``; ``None`` for none.
        stage_cfgs: Options of every stage, or one dict a stage.
        patch_cfg: Options of the patch embedding that replace the above.
        pad_small_map: Whether a map smaller than a window is padded to it.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list; the defaults come after them, as in
            OpenMMLab.

    Raises:
        ValueError: As SwinTransformer. In ``forward``: the mask has another number of patches.
    """

    def __init__(
        self,
        arch: Annotated[Arch | dict[str, Any], LayerCount("depths")] = "tiny",
        img_size: Annotated[int, Ge(1)] | tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]] = 224,
        in_channels: Annotated[int, Ge(1)] = 3,
        drop_rate: Annotated[float, Interval(ge=0, le=1)] = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.1,
        out_indices: tuple[Annotated[int, Ge(0)], ...] = (3,),
        use_abs_pos_embed: bool = False,
        with_cp: bool = False,
        frozen_stages: Annotated[int, Ge(-1)] = -1,
        norm_eval: bool = False,
        norm_cfg: dict[str, Any] | None = _NORM,
        stage_cfgs: dict[str, Any] | tuple[dict[str, Any], ...] = _NO_OPTIONS,
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        pad_small_map: bool = False,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(
            arch=arch,
            img_size=img_size,
            in_channels=in_channels,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
            out_indices=out_indices,
            use_abs_pos_embed=use_abs_pos_embed,
            with_cp=with_cp,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            norm_cfg=norm_cfg,
            stage_cfgs=stage_cfgs,
            patch_cfg=patch_cfg,
            pad_small_map=pad_small_map,
            init_cfg=init_cfg,
        )
        self.mask_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))
        trunc_normal_(self.mask_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(
        self,
        image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"],
        mask: Annotated[Mask, "B Y X"] | None = None,
    ) -> Annotated[Pyramid, "B out_channels H W"]:
        """The maps of the stages ``out_indices``.

        Args:
            image: [B, in_channels, H, W].
            mask: [B, patches down, patches across], 1 or true where a patch is hidden; without it none is.
        """
        patches, grid = self.patch_embed(image)
        if mask is not None:
            patches = hide_tokens(patches, self.mask_token, mask)
        return self.encode(patches, grid)
