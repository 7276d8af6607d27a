"""The encoder of context autoencoders."""

from typing import Annotated, Any, NamedTuple

from torch import nn
from torch.nn import functional as F

from components.backbones.beit_vit import Arch, BEiTViT, OutType
from components.shared.initialization import InitCfg, trunc_normal_
from components.shared.patches import pick_tokens, sine_cosine_positions
from composer.ports import AnyTensor, FeatureMap, Image, Levels, Usually

__all__ = ["CAEPretrainViT"]

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
