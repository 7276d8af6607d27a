"""BEiT's vision transformer in pre-training, and the encoder of context autoencoders."""

from typing import Annotated, Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from components.backbones.beit_vit import Arch, BEiTViT, OutType
from components.shared.beit_layers import BEiTTransformerEncoderLayer, shrink_by_depth
from components.shared.initialization import InitCfg, trunc_normal_
from components.shared.patches import hide_tokens, pick_tokens, sine_cosine_positions
from composer.ports import AnyTensor, FeatureMap, Image, Levels, Mask, Usually

__all__ = ["BEiTPretrainViT", "CAEPretrainViT"]

_NO_PADDING: dict[str, Any] = {"padding": 0}
_INIT: tuple[dict[str, Any], ...] = (
    {"type": "Constant", "val": 1, "layer": ["LayerNorm"]},
    {"type": "TruncNormal", "std": 0.02, "layer": ["Conv2d"]},
    {"type": "Xavier", "distribution": "uniform", "layer": ["Linear"]},
)


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
        out_type: What is given of each layer: ``raw``, every token, the class token first; or as of BEiTViT.
        patch_cfg: Options of the patch embedding that replace the above; images are not padded by default.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list. After them the last weights of both
            branches are divided by sqrt(2 depth).

    Raises:
        ValueError: As BEiTViT. In ``forward``: the mask has another number of patches.
    """

    def __init__(
        self,
        arch: Arch = "base",
        final_norm: bool = True,
        out_type: OutType = "raw",
        use_rel_pos_bias: bool = False,
        use_shared_rel_pos_bias: bool = True,
        patch_cfg: dict[str, Any] = _NO_PADDING,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            arch,
            final_norm=final_norm,
            out_type=out_type,
            use_rel_pos_bias=use_rel_pos_bias,
            use_shared_rel_pos_bias=use_shared_rel_pos_bias,
            patch_cfg=patch_cfg,
            bias="qv_bias",
            with_cls_token=True,
            **kwargs,
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
        out_type: What is given of each layer: ``raw``, every token, the class token first; or as of BEiTViT.
        use_rel_pos_bias: Whether each layer has scores by relative position; they need every patch.

    Raises:
        ValueError: As BEiTViT, or the length of a token is no multiple of 4.
    """

    def __init__(
        self,
        arch: Arch = "b",
        final_norm: bool = True,
        out_type: OutType = "raw",
        use_rel_pos_bias: bool = False,
        init_cfg: InitCfg = _INIT,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            arch,
            final_norm=final_norm,
            out_type=out_type,
            use_rel_pos_bias=use_rel_pos_bias,
            init_cfg=init_cfg,
            with_cls_token=True,
            use_abs_pos_emb=True,
            **kwargs,
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
