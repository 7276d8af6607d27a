"""The encoder of context autoencoders."""

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Interval
from torch import nn
from torch.nn import functional as F

from components.backbones.beit_vit import Arch, BEiTViT, Bias, OutType, Size
from components.initialization import InitCfg
from components.masked_tokens import pick_tokens
from components.position_embeddings import sine_cosine_positions
from components.truncated_normal import trunc_normal_
from composer.ports import AnyTensor, FeatureMap, Image, LayerCount, Levels, Usually

__all__ = ["CAEPretrainViT"]

_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}
_NO_OPTIONS: dict[str, Any] = {}
_INIT: tuple[dict[str, Any], ...] = (
    {"type": "Constant", "val": 1, "layer": ["LayerNorm"]},
    {"type": "TruncNormal", "std": 0.02, "layer": ["Conv2d"]},
    {"type": "Xavier", "distribution": "uniform", "layer": ["Linear"]},
)


class EncodedPatches(NamedTuple):
    """What the encoder gives."""

    out: Annotated[Levels, "B ..."]
    pos_embed: Annotated[AnyTensor, "1 T embed_dims"]


class CAEPretrainViT(BEiTViT):
    """The encoder of context autoencoders: BEiT's transformer over the patches that are seen (CAE, arXiv:2202.03026).

    With ``ids_keep`` it reads only those patches, without it all of them. Its positions (sines and cosines) are an
    output, for the regressor that predicts the others. mmselfsup's class ``CAEViT`` is this one.

    Keywords: cae, context autoencoder, masked image modeling, mim, vit.

    Args:
        arch: A name, or ``{embed_dims, num_layers, num_heads, feedforward_channels}``.
        img_size: Height and width of the images the positions are made for, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        out_indices: The layers whose output is given, counted from 0, or back from -1, in the order of the layers.
        drop_rate: Dropout after the position embeddings, after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last layer; it rises evenly from 0 at the first.
        bias: ``qv_bias``: query and value have a bias; otherwise whether query, key and value have one.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        final_norm: Whether the output of the last layer is normalised.
        out_type: What is given of each layer: ``raw``, every token, the class token first; or as of BEiTViT.
        frozen_stages: Above 0, the embeddings and this many layers are frozen.
        use_rel_pos_bias: Whether each layer has scores by relative position; they need every patch.
        use_shared_rel_pos_bias: Whether all layers share them.
        layer_scale_init_value: Where the factors of every branch start; 0 for none.
        interpolate_mode: How positions are interpolated for images of another size.
        patch_cfg: Options of the patch embedding that replace the above.
        layer_cfgs: Options of every encoder layer, or one dict a layer.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list.

    Raises:
        ValueError: As BEiTViT, or the length of a token is no multiple of 4.
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
        bias: Bias = "qv_bias",
        norm_cfg: dict[str, Any] = _NORM,
        final_norm: bool = True,
        out_type: OutType = "raw",
        frozen_stages: Annotated[int, Ge(-1)] = -1,
        use_rel_pos_bias: bool = False,
        use_shared_rel_pos_bias: bool = False,
        layer_scale_init_value: Annotated[float, Ge(0)] = 0.1,
        interpolate_mode: Literal["bicubic", "bilinear"] = "bicubic",
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        layer_cfgs: dict[str, Any] | tuple[dict[str, Any], ...] = _NO_OPTIONS,
        init_cfg: InitCfg = _INIT,
    ) -> None:
        super().__init__(
            arch=arch,
            img_size=img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            out_indices=out_indices,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
            bias=bias,
            norm_cfg=norm_cfg,
            final_norm=final_norm,
            out_type=out_type,
            frozen_stages=frozen_stages,
            use_abs_pos_emb=True,
            use_rel_pos_bias=use_rel_pos_bias,
            use_shared_rel_pos_bias=use_shared_rel_pos_bias,
            layer_scale_init_value=layer_scale_init_value,
            interpolate_mode=interpolate_mode,
            patch_cfg=patch_cfg,
            layer_cfgs=layer_cfgs,
            init_cfg=init_cfg,
        )
        positions = sine_cosine_positions(self.patch_resolution, self.embed_dims)
        self.pos_embed = nn.Parameter(positions, requires_grad=False)
        if self.cls_token is not None:
            trunc_normal_(self.cls_token, std=0.02)

    def forward(  # type: ignore[override]
        self,
        image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"],
        ids_keep: Annotated[AnyTensor, Usually("MaskedPatches"), "B K"] | None = None,
    ) -> EncodedPatches:
        """What ``out_type`` says of each of the layers ``out_indices``, and the positions.

        Args:
            image: [B, in_channels, H, W].
            ids_keep: Indices of the patches to read (row by row, int64), in this order; without it all are read.
        """
        patches, grid = self.patch_embed(image)
        tokens = self.place(patches, grid)
        if ids_keep is not None:
            with_class_token = F.pad(ids_keep + 1, (1, 0))
            tokens = pick_tokens(tokens, with_class_token)
        levels = self.encode(self.drop_after_pos(tokens), grid, self.shared_bias())
        positions = self.positions(grid)
        return EncodedPatches(levels, tokens[:0] if positions is None else positions)
