"""The regressor and decoder of context autoencoders."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.beit_layers import BEiTTransformerEncoderLayer
from components.shared.bounds import Count, Probability
from components.shared.initialization import InitCfg, initialize, trunc_normal_
from components.shared.patches import pick_tokens
from components.shared.transformer import FFN, DropPath, drop_path_rates, token_norm
from composer.ports import AnyTensor, LayerCount, Tokens, Usually

__all__ = ["CAENeck"]

_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}


class CrossMultiheadAttention(nn.Module):
    """Attention of queries to other tokens; query and value may have a bias (CAE, arXiv:2202.03026, section 3.2)."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        qkv_bias: bool,
        qk_scale: float | None,
        attn_drop: float,
        proj_drop: float,
    ) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(f"{num_heads} heads cannot share {embed_dims} channels evenly: choose a divisor of them.")
        self.num_heads, self.attn_drop = num_heads, attn_drop
        self.scale = qk_scale or (embed_dims // num_heads) ** -0.5
        self.q, self.k, self.v = (nn.Linear(embed_dims, embed_dims, bias=False) for _ in range(3))
        self.q_bias = nn.Parameter(torch.zeros(embed_dims)) if qkv_bias else None
        self.v_bias = nn.Parameter(torch.zeros(embed_dims)) if qkv_bias else None
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """[B, Q, C], [B, N, C] and [B, N, C] to [B, Q, C]."""
        q = F.linear(query, self.q.weight, self.q_bias)
        v = F.linear(value, self.v.weight, self.v_bias)
        q, k, v = (x.unflatten(2, (self.num_heads, -1)).transpose(1, 2) for x in (q, self.k(key), v))
        drop = self.attn_drop if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=drop, scale=self.scale)
        return self.proj_drop(self.proj(mixed.transpose(1, 2).flatten(2)))


class CAETransformerRegressorLayer(nn.Module):
    """Hidden patches look at all patches (CAE, arXiv:2202.03026, section 3.2)."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        qkv_bias: bool,
        qk_scale: float | None,
        drop_rate: float,
        attn_drop_rate: float,
        drop_path_rate: float,
        layer_scale_init_value: float,
        norm_cfg: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.norm1_q_cross = token_norm(norm_cfg, embed_dims)
        self.norm1_k_cross = token_norm(norm_cfg, embed_dims)
        self.norm1_v_cross = token_norm(norm_cfg, embed_dims)
        self.norm2_cross = token_norm(norm_cfg, embed_dims)
        self.cross_attn = CrossMultiheadAttention(embed_dims, num_heads, qkv_bias, qk_scale, attn_drop_rate, drop_rate)
        self.ffn = FFN(embed_dims, feedforward_channels, ffn_drop=drop_rate)
        self.drop_path = DropPath(drop_path_rate)
        learned = layer_scale_init_value > 0
        scale = float(layer_scale_init_value) if learned else 1.0
        self.gamma_1_cross = nn.Parameter(torch.full((embed_dims,), scale), requires_grad=learned)
        self.gamma_2_cross = nn.Parameter(torch.full((embed_dims,), scale), requires_grad=learned)

    def forward(self, hidden: Tensor, tokens: Tensor, positions: Tensor, all_positions: Tensor) -> Tensor:
        """Hidden patches [B, K, C] and all [B, N, C], with their positions, to new hidden patches."""
        mixed = self.cross_attn(
            self.norm1_q_cross(hidden + positions),
            self.norm1_k_cross(tokens + all_positions),
            self.norm1_v_cross(tokens),
        )
        x = self.norm2_cross(hidden + self.drop_path(self.gamma_1_cross * mixed))
        return x + self.drop_path(self.gamma_2_cross * self.ffn(x))


class PredictedPatches(NamedTuple):
    """What is predicted of the hidden patches: scores of visual words, and the encoder's tokens."""

    logits: Annotated[Tokens, "B K words"]
    latent: Annotated[Tokens, "B K embed_dims"]


class CAENeck(nn.Module):
    """Predicts the tokens of hidden patches, and from these their visual words (CAE, arXiv:2202.03026, section 3).

    Keywords: context autoencoder neck, latent regressor, decoder.

    Args:
        num_classes: Visual words; 0 gives the decoder's tokens.
        embed_dims: Length of a token.
        regressor_depth: Layers of the regressor.
        decoder_depth: Layers of the decoder.
        num_heads: Attention heads.
        mlp_ratio: Hidden length of the FFN, in lengths of a token.
        qkv_bias: Whether query and value of the regressor have a bias.
        qk_scale: Factor of q k^T in the regressor; ``None`` for 1 / sqrt(d).
        drop_rate: Dropout after attention and in the FFN.
        attn_drop_rate: Dropout of attention weights.
        drop_path_rate: Stochastic depth rate of the last layer of regressor and decoder.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        layer_scale_init_value: Where the factors of every branch start; 0 for none.
        mask_tokens_num: Hidden patches of an image.
        decoder_bias: ``qv_bias``: query and value of the decoder have a bias (mmpretrain); otherwise whether query, key
            and value have one (mmselfsup: true with ``qkv_bias``).
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list; the defaults come after them, as in
            OpenMMLab.

    Raises:
        ValueError: ``num_heads`` does not divide ``embed_dims``. In ``forward``: the patches that are seen and hidden
            are not all of the image.
    """

    def __init__(
        self,
        embed_dims: Count,
        num_classes: Annotated[int, Ge(0)] = 8192,
        regressor_depth: Annotated[int, Ge(1), LayerCount()] = 6,
        decoder_depth: Annotated[int, Ge(1), LayerCount()] = 8,
        num_heads: Count = 12,
        mlp_ratio: Annotated[float, Gt(0)] = 4,
        qkv_bias: bool = True,
        qk_scale: Annotated[float, Gt(0)] | None = None,
        drop_rate: Probability = 0.0,
        attn_drop_rate: Probability = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        norm_cfg: dict[str, Any] = _NORM,
        layer_scale_init_value: Annotated[float, Ge(0)] = 0.1,
        mask_tokens_num: Count = 75,
        decoder_bias: bool | Literal["qv_bias"] = "qv_bias",
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        self.words = num_classes or embed_dims
        common: dict[str, Any] = {
            "embed_dims": embed_dims,
            "num_heads": num_heads,
            "feedforward_channels": int(mlp_ratio * embed_dims),
            "drop_rate": drop_rate,
            "attn_drop_rate": attn_drop_rate,
            "layer_scale_init_value": layer_scale_init_value,
            "norm_cfg": norm_cfg,
        }
        self.regressors = nn.ModuleList(
            CAETransformerRegressorLayer(qkv_bias=qkv_bias, qk_scale=qk_scale, drop_path_rate=rate, **common)
            for rate in drop_path_rates(drop_path_rate, regressor_depth)
        )
        self.decoders = nn.ModuleList(
            BEiTTransformerEncoderLayer(bias=decoder_bias, drop_path_rate=rate, **common)
            for rate in drop_path_rates(drop_path_rate, decoder_depth)
        )
        self.norm_regressor = token_norm(norm_cfg, embed_dims)
        self.norm_decoder = token_norm(norm_cfg, embed_dims)
        self.head = nn.Linear(embed_dims, num_classes) if num_classes else nn.Identity()
        self.mask_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self._initialize(init_cfg)

    def forward(
        self,
        feature: Annotated[Tokens, Usually("CAEPretrainViT"), "B T embed_dims"],
        pos_embed: Annotated[AnyTensor, Usually("CAEPretrainViT"), "1 A embed_dims"],
        ids_keep: Annotated[AnyTensor, Usually("MaskedPatches"), "B U"],
        ids_masked: Annotated[AnyTensor, Usually("MaskedPatches"), "B mask_tokens_num"],
    ) -> PredictedPatches:
        """Scores of visual words [B, K, num_classes] and tokens [B, K, embed_dims] of the hidden patches.

        Args:
            feature: The encoder's tokens of the patches that it saw, the class token first.
            pos_embed: Positions of the class token and of all patches.
            ids_keep: Which patches the encoder saw (int64), in this order.
            ids_masked: Which patches are hidden (int64).
        """
        seen, positions = feature[:, 1:], pos_embed[:, 1:]
        if ids_keep.shape[1] + ids_masked.shape[1] != positions.shape[1]:
            raise ValueError(
                f"ids_keep and ids_masked: found {ids_keep.shape[1]} and {ids_masked.shape[1]} patches, the image has "
                f"{positions.shape[1]}: give a mask of the grid that the patch embedding makes"
            )
        hidden_positions = pick_tokens(positions, ids_masked)
        all_positions = torch.cat([pick_tokens(positions, ids_keep), hidden_positions], dim=1)
        hidden = self.mask_token.repeat(hidden_positions.shape[0], hidden_positions.shape[1], 1)
        for regressor in self.regressors:
            hidden = regressor(hidden, torch.cat([seen, hidden], dim=1), hidden_positions, all_positions)
        latent = self.norm_regressor(hidden)
        tokens = latent + hidden_positions
        for decoder in self.decoders:
            tokens = decoder(tokens)
        return PredictedPatches(self.head(self.norm_decoder(tokens)), latent)

    def _initialize(self, init_cfg: InitCfg) -> None:
        initialize(self, init_cfg)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        trunc_normal_(self.mask_token, std=0.02)
        if isinstance(self.head, nn.Linear):
            trunc_normal_(self.head.weight, std=0.02)
