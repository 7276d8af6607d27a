"""The neck of BEiT v2, which makes the class token gather what patches need."""

from typing import Annotated, Any, Literal, NamedTuple

import torch
from annotated_types import Ge, Interval
from torch import nn

from components.backbones.vision_transformer import size_of
from components.shared.beit_layers import BEiTTransformerEncoderLayer, shrink_by_depth
from components.shared.bounds import Probability
from components.shared.initialization import InitCfg, initialize
from components.shared.transformer import drop_path_rates, token_norm
from composer.ports import AnyTensor, LayerCount, Tokens, Usually

__all__ = ["BEiTV2Neck"]

_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}
_INIT: dict[str, Any] = {"type": "TruncNormal", "layer": "Linear", "std": 0.02, "bias": 0}


class AggregatedPatches(NamedTuple):
    """The patches of the last layer, and those of an early layer that went on with the last layer's class token."""

    feats: Annotated[Tokens, "B P embed_dims"]
    feats_cls_pt: Annotated[Tokens, "B P embed_dims"]


class BEiTV2Neck(nn.Module):
    """Early patches and the last class token through more layers (BEiT v2, arXiv:2208.06366, section 2.4).

    Keywords: beit v2, patch aggregation, vqkd neck.

    Args:
        num_layers: Layers of the neck.
        early_layers: Layers of the backbone that the early patches have gone through.
        backbone_arch: The backbone's: ``base``, ``large`` or ``{embed_dims, num_layers, num_heads,
            feedforward_channels}`` (``depth`` may stand for ``num_layers``, as in OpenMMLab).
        drop_rate: Dropout after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last layer of backbone and neck together.
        layer_scale_init_value: Where the factors of every branch start; 0 for none.
        use_rel_pos_bias: Always false: only scores by relative position that the backbone shares can be used.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list.

    Raises:
        ValueError: The arch is incomplete.
    """

    def __init__(
        self,
        num_layers: Annotated[int, Ge(1), LayerCount()] = 2,
        early_layers: Annotated[int, Interval(ge=0, le=1000)] = 9,
        backbone_arch: Literal["b", "base", "l", "large"] | dict[str, Any] = "base",
        drop_rate: Probability = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        layer_scale_init_value: Annotated[float, Ge(0)] = 0.1,
        use_rel_pos_bias: Literal[False] = False,
        norm_cfg: dict[str, Any] = _NORM,
        init_cfg: InitCfg = _INIT,
    ) -> None:
        super().__init__()
        size = size_of(_with_num_layers(backbone_arch))
        self.embed_dims, self.num_heads = size["embed_dims"], size["num_heads"]
        rates = drop_path_rates(drop_path_rate, max(size["num_layers"], early_layers + num_layers))
        self.patch_aggregation = nn.ModuleList(
            BEiTTransformerEncoderLayer(
                self.embed_dims,
                self.num_heads,
                size["feedforward_channels"],
                layer_scale_init_value,
                use_rel_pos_bias=use_rel_pos_bias,
                drop_rate=drop_rate,
                drop_path_rate=rate,
                norm_cfg=norm_cfg,
            )
            for rate in rates[early_layers : early_layers + num_layers]
        )
        self.norm = token_norm(norm_cfg, self.embed_dims)
        initialize(self, init_cfg)
        for depth, layer in enumerate(self.patch_aggregation, start=early_layers + 1):
            if isinstance(layer, BEiTTransformerEncoderLayer):
                shrink_by_depth(layer, depth)

    def forward(
        self,
        early: Annotated[Tokens, Usually("BEiTPretrainViT"), "B T embed_dims"],
        feature: Annotated[Tokens, Usually("BEiTPretrainViT"), "B T embed_dims"],
        rel_pos_bias: Annotated[AnyTensor, Usually("BEiTPretrainViT"), "num_heads T T"] | None = None,
    ) -> AggregatedPatches:
        """Normalised patches, without the class token.

        Args:
            early: Tokens of an early layer, the class token first.
            feature: Tokens of the last layer, the class token first.
            rel_pos_bias: Scores by relative position that the backbone's layers share.
        """
        tokens = torch.cat([feature[:, :1], early[:, 1:]], dim=1)
        for layer in self.patch_aggregation:
            tokens = layer(tokens, rel_pos_bias)
        return AggregatedPatches(self.norm(feature)[:, 1:], self.norm(tokens)[:, 1:])


def _with_num_layers(arch: str | dict[str, Any]) -> str | dict[str, Any]:
    """OpenMMLab's neck asks for ``num_layers`` and reads ``depth``: either stands for both."""
    if isinstance(arch, str):
        return arch
    layers = arch.get("num_layers", arch.get("depth"))
    return {**{key: value for key, value in arch.items() if key != "depth"}, "num_layers": layers}
