"""The parts of a vision transformer's encoder layer, with the names OpenMMLab gives their weights."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.activation import build_activation

__all__ = [
    "FFN",
    "DropPath",
    "LayerScale",
    "MultiheadAttention",
    "SwiGLUFFN",
    "TransformerEncoderLayer",
    "activation",
    "drop_path_rates",
    "reset_ffn",
    "token_norm",
]

GELU: dict[str, Any] = {"type": "GELU"}
LAYER_NORM: dict[str, Any] = {"type": "LN"}


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x), the approximation of GELU that CLIP uses (arXiv:1606.08415, section 2)."""

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        return x * torch.sigmoid(1.702 * x)


def activation(act_cfg: Mapping[str, Any]) -> nn.Module:
    """The activation that ``act_cfg`` describes: ``QuickGELU``, or one that ``build_activation`` knows.

    Raises:
        ValueError: The type is unknown, or an option is not the layer's.
    """
    return QuickGELU() if act_cfg == {"type": "QuickGELU"} else build_activation(act_cfg)


def token_norm(norm_cfg: Mapping[str, Any], channels: int) -> nn.LayerNorm:
    """The normalisation of tokens that ``norm_cfg`` describes: ``{type: LN, eps: 1e-5, requires_grad: true}``.

    Raises:
        ValueError: The type is another one, or an argument is unknown.
    """
    options = dict(norm_cfg)
    kind, trained = options.pop("type", None), options.pop("requires_grad", True)
    if kind != "LN":
        raise ValueError(f"norm_cfg: found type {kind!r}, expected 'LN': tokens are normalised over their channels")
    try:
        return nn.LayerNorm(channels, **options).requires_grad_(trained)
    except TypeError as error:
        raise ValueError(f"norm_cfg: {dict(norm_cfg)} has an option that LN does not take: {error}") from error


def drop_path_rates(highest: float, layers: int) -> list[float]:
    """Stochastic depth rates that rise evenly from 0 to ``highest`` (arXiv:1603.09382, eq. 4)."""
    return [highest * i / max(layers - 1, 1) for i in range(layers)]


class DropPath(nn.Module):
    """Stochastic depth (arXiv:1603.09382): in training a sample loses this branch with probability ``drop_prob``.

    Args:
        drop_prob: From 0 to below 1. What is kept is scaled up by 1 / (1 - drop_prob).
    """

    def __init__(self, drop_prob: float = 0.0) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        """[B, ...] to the same shape."""
        if self.drop_prob == 0 or not self.training:
            return x
        keep = 1 - self.drop_prob
        sample = torch.rand(x.shape[0], *[1] * (x.ndim - 1), dtype=x.dtype, device=x.device)
        return x / keep * (sample + keep).floor()

    def extra_repr(self) -> str:
        """Shown in the printed model."""
        return f"drop_prob={self.drop_prob:g}"


class LayerScale(nn.Module):
    """A learned factor for each channel of a branch (CaiT, arXiv:2103.17239, eq. 4).

    Args:
        dim: Channels.
        scale: What every factor starts from.
    """

    def __init__(self, dim: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((dim,), float(scale)))

    def forward(self, x: Tensor) -> Tensor:
        """[..., dim] to the same shape."""
        return x * self.weight


def _layer_scale(dim: int, scale: float) -> nn.Module:
    return LayerScale(dim, scale) if scale > 0 else nn.Identity()


class MultiheadAttention(nn.Module):
    """Multi-head self-attention (arXiv:1706.03762, section 3.2), with what follows it in its residual branch.

    Args:
        embed_dims: Length of a token.
        num_heads: Heads; they share the length of a token evenly.
        attn_drop: Dropout of attention weights.
        proj_drop: Dropout after the output projection.
        drop_path: Stochastic depth rate of the branch.
        qkv_bias: Whether query, key and value have a bias.
        layer_scale_init_value: Where LayerScale starts; 0 for none.

    Raises:
        ValueError: ``num_heads`` does not divide ``embed_dims``.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        drop_path: float = 0.0,
        qkv_bias: bool = True,
        layer_scale_init_value: float = 0.0,
    ) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(f"{num_heads} heads cannot share {embed_dims} channels evenly: choose a divisor of them.")
        self.num_heads = num_heads
        self.attn_drop = attn_drop
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims, bias=qkv_bias)
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.proj_drop = nn.Dropout(proj_drop)
        self.gamma1 = _layer_scale(embed_dims, layer_scale_init_value)
        self.out_drop = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, embed_dims] to the same shape."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=self.attn_drop if self.training else 0.0)
        x = self.proj(mixed.transpose(1, 2).flatten(2))
        return self.out_drop(self.gamma1(self.proj_drop(x)))


class FFN(nn.Module):
    """Linear layers with an activation between (arXiv:1706.03762, eq. 2), as one residual branch.

    Args:
        embed_dims: Length of a token.
        feedforward_channels: Length of a hidden vector.
        num_fcs: Linear layers, from 2 to 100.
        act_cfg: The activation.
        ffn_drop: Dropout after every linear layer.
        drop_path: Stochastic depth rate of the branch.
        layer_scale_init_value: Where LayerScale starts; 0 for none.

    Raises:
        ValueError: ``num_fcs`` is out of its range.
    """

    def __init__(
        self,
        embed_dims: int,
        feedforward_channels: int,
        num_fcs: int = 2,
        act_cfg: Mapping[str, Any] = GELU,
        ffn_drop: float = 0.0,
        drop_path: float = 0.0,
        layer_scale_init_value: float = 0.0,
    ) -> None:
        super().__init__()
        if not 2 <= num_fcs <= 100:
            raise ValueError(f"num_fcs is {num_fcs}, expected 2 to 100 linear layers.")
        widths = [embed_dims] + [feedforward_channels] * (num_fcs - 1)
        hidden = [
            nn.Sequential(nn.Linear(wide, feedforward_channels), activation(act_cfg), nn.Dropout(ffn_drop))
            for wide in widths[:-1]
        ]
        self.layers = nn.Sequential(*hidden, nn.Linear(feedforward_channels, embed_dims), nn.Dropout(ffn_drop))
        self.gamma2 = _layer_scale(embed_dims, layer_scale_init_value)
        self.dropout_layer = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """[..., embed_dims] to the same shape."""
        return self.dropout_layer(self.gamma2(self.layers(x)))


class SwiGLUFFN(nn.Module):
    """A gated feed-forward branch, W3(SiLU(W1 x) * W2 x) (arXiv:2002.05202, eq. 6), W1 and W2 stored as one.

    Args:
        embed_dims: Length of a token.
        feedforward_channels: Hidden length of the plain FFN it stands for; two thirds of it, rounded up to a multiple
            of 8, are used, which keeps the number of weights (DINOv2, arXiv:2304.07193).
        layer_scale_init_value: Where LayerScale starts; 0 for none.
    """

    def __init__(self, embed_dims: int, feedforward_channels: int, layer_scale_init_value: float = 0.0) -> None:
        super().__init__()
        hidden = (int(feedforward_channels * 2 / 3) + 7) // 8 * 8
        self.w12 = nn.Linear(embed_dims, 2 * hidden)
        self.w3 = nn.Linear(hidden, embed_dims)
        self.gamma2 = _layer_scale(embed_dims, layer_scale_init_value)

    def forward(self, x: Tensor) -> Tensor:
        """[..., embed_dims] to the same shape."""
        gate, value = self.w12(x).chunk(2, dim=-1)
        return self.gamma2(self.w3(F.silu(gate) * value))


def reset_ffn(ffn: nn.Module) -> None:
    """Give the linear layers of a feed-forward branch their starting weights: Xavier uniform, biases near 0."""
    for layer in ffn.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(layer.bias, std=1e-6)


class TransformerEncoderLayer(nn.Module):
    """x + attention(norm(x)), then x + FFN(norm(x)) (ViT, arXiv:2010.11929, eq. 2 and 3).

    Args:
        embed_dims: Length of a token.
        num_heads: Attention heads.
        feedforward_channels: Hidden length of the FFN.
        layer_scale_init_value: Where LayerScale of both branches starts; 0 for none.
        drop_rate: Dropout after the attention's projection and in the FFN.
        attn_drop_rate: Dropout of attention weights.
        drop_path_rate: Stochastic depth rate of both branches.
        num_fcs: Linear layers of the FFN.
        qkv_bias: Whether query, key and value have a bias.
        ffn_type: ``origin`` for FFN, ``swiglu_fused`` for SwiGLUFFN (no dropout and no stochastic depth there, as in
            OpenMMLab).
        act_cfg: Activation of the FFN.
        norm_cfg: Normalisation before each branch.

    Raises:
        ValueError: ``ffn_type`` is unknown.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        layer_scale_init_value: float = 0.0,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        num_fcs: int = 2,
        qkv_bias: bool = True,
        ffn_type: Literal["origin", "swiglu_fused"] = "origin",
        act_cfg: Mapping[str, Any] = GELU,
        norm_cfg: Mapping[str, Any] = LAYER_NORM,
    ) -> None:
        super().__init__()
        if ffn_type not in ("origin", "swiglu_fused"):
            raise ValueError(f"ffn_type is {ffn_type!r}, expected 'origin' or 'swiglu_fused'.")
        scale = layer_scale_init_value
        self.ln1 = token_norm(norm_cfg, embed_dims)
        self.attn = MultiheadAttention(
            embed_dims, num_heads, attn_drop_rate, drop_rate, drop_path_rate, qkv_bias, scale
        )
        self.ln2 = token_norm(norm_cfg, embed_dims)
        self.ffn = (
            FFN(embed_dims, feedforward_channels, num_fcs, act_cfg, drop_rate, drop_path_rate, scale)
            if ffn_type == "origin"
            else SwiGLUFFN(embed_dims, feedforward_channels, scale)
        )
        self.reset_ffn()

    def reset_ffn(self) -> None:
        """Give the FFN its starting weights: Xavier uniform, biases near 0."""
        reset_ffn(self.ffn)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, embed_dims] to the same shape."""
        x = x + self.attn(self.ln1(x))
        return x + self.ffn(self.ln2(x))
