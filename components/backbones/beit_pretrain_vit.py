"""BEiT's vision transformer in pre-training."""

from typing import Annotated, Any, Literal, NamedTuple

import torch
from annotated_types import Ge, Interval
from torch import nn

from components.backbones.beit_vit import Arch, BEiTViT, OutType, Size
from components.beit_layers import BEiTTransformerEncoderLayer, shrink_by_depth
from components.initialization import InitCfg
from components.masked_tokens import hide_tokens
from components.truncated_normal import trunc_normal_
from composer.ports import AnyTensor, FeatureMap, Image, LayerCount, Levels, Mask, Usually

__all__ = ["BEiTPretrainViT"]

_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}
_NO_OPTIONS: dict[str, Any] = {}
_NO_PADDING: dict[str, Any] = {"padding": 0}


class PretrainedLevels(NamedTuple):
    """What BEiT gives in pre-training."""

    out: Annotated[Levels, "B ..."]
    rel_pos_bias: Annotated[AnyTensor, "num_heads T T"]


class BEiTPretrainViT(BEiTViT):
    """BEiT's transformer, in which a learned token stands in for every hidden patch (arXiv:2106.08254, section 2.3).

    The scores by relative position that its layers share are an output, for a neck whose layers share them too; they
    are zeros where the layers share none. mmselfsup's class ``BEiTViT`` is this one.

    Keywords: beit pretraining, masked image modeling, mim, mask token, vit.

    Args:
        arch: A name, or ``{embed_dims, num_layers, num_heads, feedforward_channels}``.
        img_size: Height and width of the images the positions are made for, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        out_indices: The layers whose output is given, counted from 0, or back from -1, in the order of the layers.
        drop_rate: Dropout after the position embeddings, after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last layer; it rises evenly from 0 at the first.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        final_norm: Whether the output of the last layer is normalised.
        out_type: What is given of each layer: ``raw``, every token, the class token first; or as of BEiTViT.
        frozen_stages: Above 0, the embeddings and this many layers are frozen.
        use_abs_pos_emb: Whether learned position embeddings are added to the patches.
        use_rel_pos_bias: Whether each layer has scores by relative position of its own.
        use_shared_rel_pos_bias: Whether all layers share them.
        layer_scale_init_value: Where the factors of every branch start; 0 for none.
        interpolate_mode: How position embeddings are interpolated.
        patch_cfg: Options of the patch embedding that replace the above; images are not padded by default.
        layer_cfgs: Options of every encoder layer, or one dict a layer.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list. After them the last weights of both
            branches are divided by sqrt(2 depth).

    Raises:
        ValueError: As BEiTViT. In ``forward``: the mask has another number of patches.
    """

    def __init__(
        self,
        arch: Annotated[Arch | dict[str, Any], LayerCount("num_layers")] = "base",
        img_size: Size = 224,
        patch_size: Size = 16,
        in_channels: Annotated[int, Ge(1)] = 3,
        out_indices: int | tuple[int, ...] = -1,
        drop_rate: Annotated[float, Interval(ge=0, le=1)] = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        norm_cfg: dict[str, Any] = _NORM,
        final_norm: bool = True,
        out_type: OutType = "raw",
        frozen_stages: Annotated[int, Ge(-1)] = -1,
        use_abs_pos_emb: bool = False,
        use_rel_pos_bias: bool = False,
        use_shared_rel_pos_bias: bool = True,
        layer_scale_init_value: Annotated[float, Ge(0)] = 0.1,
        interpolate_mode: Literal["bicubic", "bilinear"] = "bicubic",
        patch_cfg: dict[str, Any] = _NO_PADDING,
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
            frozen_stages=frozen_stages,
            use_abs_pos_emb=use_abs_pos_emb,
            use_rel_pos_bias=use_rel_pos_bias,
            use_shared_rel_pos_bias=use_shared_rel_pos_bias,
            layer_scale_init_value=layer_scale_init_value,
            interpolate_mode=interpolate_mode,
            patch_cfg=patch_cfg,
            layer_cfgs=layer_cfgs,
            init_cfg=init_cfg,
        )
        self.mask_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))
        trunc_normal_(self.mask_token, std=0.02)
        if self.cls_token is not None:
            trunc_normal_(self.cls_token, std=0.02)
        for depth, layer in enumerate(self.layers, start=1):
            if isinstance(layer, BEiTTransformerEncoderLayer):
                shrink_by_depth(layer, depth)

    def forward(  # type: ignore[override]
        self,
        image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"],
        mask: Annotated[Mask, "B Y X"] | None = None,
    ) -> PretrainedLevels:
        """What ``out_type`` says of each of the layers ``out_indices``, and the scores that the layers share.

        Args:
            image: [B, in_channels, H, W].
            mask: [B, patches down, patches across], 1 or true where a patch is hidden; without it none is.
        """
        patches, grid = self.patch_embed(image)
        if mask is not None:
            patches = hide_tokens(patches, self.mask_token, mask)
        tokens, bias = self.drop_after_pos(self.place(patches, grid)), self.shared_bias()
        count = tokens.shape[1]
        shared = tokens.new_zeros(1).expand(self.num_heads, count, count) if bias is None else bias
        return PretrainedLevels(self.encode(tokens, grid, bias), shared)
