"""The parts of BEiT's encoder layer, with the names OpenMMLab gives their weights."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.transformer import FFN, GELU, LAYER_NORM, DropPath, token_norm
from components.shared.window_attention import relative_position_index

__all__ = ["BEiTAttention", "BEiTTransformerEncoderLayer", "RelativePositionBias", "shrink_by_depth"]

Bias = bool | Literal["qv_bias"]


class RelativePositionBias(nn.Module):
    """A learned score for every offset between two patches, and for the class token (BEiT, arXiv:2106.08254).

    Three rows of the table stand for the class token: as query, as key, and to itself.

    Args:
        window_size: Patches down and across.
        num_heads: Attention heads; each has scores of its own.
    """

    relative_position_index: Tensor

    def __init__(self, window_size: tuple[int, int], num_heads: int) -> None:
        super().__init__()
        rows = (2 * window_size[0] - 1) * (2 * window_size[1] - 1) + 3
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, num_heads))
        self.register_buffer("relative_position_index", _index_with_class_token(window_size))

    def forward(self) -> Tensor:
        """[num_heads, 1 + N, 1 + N]: what is added to the scores of queries (rows) and keys (columns)."""
        return self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)


class BEiTAttention(nn.Module):
    """Self-attention whose keys may have no bias, with scores by relative position (BEiT, arXiv:2106.08254).

    A checkpoint with one bias for query, key and value fits one with biases for query and value only, and the other
    way round: the key's bias moves all scores of a query alike, which softmax does not see.

    Args:
        embed_dims: Length of a token.
        num_heads: Heads; they share the length of a token evenly.
        window_size: Patches down and across, for ``use_rel_pos_bias``.
        use_rel_pos_bias: Whether the layer has scores by relative position of its own.
        bias: ``qv_bias``: query and value have a bias; otherwise whether query, key and value have one.
        qk_scale: Factor of q k^T; ``None`` for 1 / sqrt(d).
        attn_drop_rate: Dropout of attention weights.
        proj_drop_rate: Dropout after the output projection.

    Raises:
        ValueError: ``num_heads`` does not divide ``embed_dims``.
    """

    relative_position_index: Tensor
    relative_position_bias_table: nn.Parameter | None

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: tuple[int, int] | None = None,
        use_rel_pos_bias: bool = False,
        bias: Bias = "qv_bias",
        qk_scale: float | None = None,
        attn_drop_rate: float = 0.0,
        proj_drop_rate: float = 0.0,
    ) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(f"{num_heads} heads cannot share {embed_dims} channels evenly: choose a divisor of them.")
        self.num_heads = num_heads
        self.scale = qk_scale or (embed_dims // num_heads) ** -0.5
        self.attn_drop_rate = attn_drop_rate
        split = bias == "qv_bias"
        self.q_bias = nn.Parameter(torch.zeros(embed_dims)) if split else None
        self.v_bias = nn.Parameter(torch.zeros(embed_dims)) if split else None
        self.relative_position_bias_table = None
        if use_rel_pos_bias and window_size is not None:
            table = RelativePositionBias(window_size, num_heads)
            self.relative_position_bias_table = table.relative_position_bias_table
            self.register_buffer("relative_position_index", table.relative_position_index)
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims, bias=not split and bool(bias))
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.proj_drop = nn.Dropout(proj_drop_rate)
        self.register_load_state_dict_pre_hook(_fit_biases)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor, rel_pos_bias: Tensor | None = None) -> Tensor:
        """[B, N, embed_dims] to the same shape; ``rel_pos_bias`` [num_heads, N, N] is added to the scores."""
        bias: Tensor | None = self.qkv.bias
        if self.q_bias is not None and self.v_bias is not None:
            bias = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias])
        qkv = F.linear(x, self.qkv.weight, bias)
        q, k, v = torch.unflatten(qkv, -1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=self._scores(rel_pos_bias, q),
            dropout_p=self.attn_drop_rate if self.training else 0.0,
            scale=self.scale,
        )
        return self.proj_drop(self.proj(mixed.transpose(1, 2).flatten(2)))

    def _scores(self, shared: Tensor | None, q: Tensor) -> Tensor | None:
        found = shared
        if self.relative_position_bias_table is not None:
            own = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
            found = own if shared is None else own + shared
        if found is None:
            return None
        if found.shape[-1] != q.shape[2]:
            raise ValueError(
                f"found {q.shape[2]} tokens, relative positions are known for {found.shape[-1]}: give images of "
                "img_size, or leave relative position biases out"
            )
        return found[None].to(q.dtype)


class BEiTTransformerEncoderLayer(nn.Module):
    """x + gamma_1 attention(norm(x)), then x + gamma_2 FFN(norm(x)) (BEiT, arXiv:2106.08254, section 2.4).

    As in OpenMMLab, stochastic depth drops the second branch twice over: within the FFN, and after gamma_2.

    Args:
        embed_dims: Length of a token.
        num_heads: Attention heads.
        feedforward_channels: Hidden length of the FFN.
        layer_scale_init_value: Where gamma_1 and gamma_2 start; 0 for none.
        window_size: Patches down and across, for ``use_rel_pos_bias``.
        use_rel_pos_bias: Whether the layer has scores by relative position of its own.
        drop_rate: Dropout after the attention's projection and in the FFN.
        attn_drop_rate: Dropout of attention weights.
        drop_path_rate: Stochastic depth rate of both branches.
        num_fcs: Linear layers of the FFN.
        bias: As in BEiTAttention.
        act_cfg: Activation of the FFN.
        norm_cfg: Normalisation before each branch.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        layer_scale_init_value: float = 0.0,
        window_size: tuple[int, int] | None = None,
        use_rel_pos_bias: bool = False,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        num_fcs: int = 2,
        bias: Bias = "qv_bias",
        act_cfg: Mapping[str, Any] = GELU,
        norm_cfg: Mapping[str, Any] = LAYER_NORM,
    ) -> None:
        super().__init__()
        self.ln1 = token_norm(norm_cfg, embed_dims)
        self.attn = BEiTAttention(
            embed_dims,
            num_heads,
            window_size,
            use_rel_pos_bias,
            bias,
            attn_drop_rate=attn_drop_rate,
            proj_drop_rate=drop_rate,
        )
        self.ln2 = token_norm(norm_cfg, embed_dims)
        self.ffn = FFN(embed_dims, feedforward_channels, num_fcs, act_cfg, drop_rate, drop_path_rate)
        self.drop_path = DropPath(drop_path_rate)
        scale = layer_scale_init_value
        self.gamma_1 = nn.Parameter(torch.full((embed_dims,), float(scale))) if scale > 0 else None
        self.gamma_2 = nn.Parameter(torch.full((embed_dims,), float(scale))) if scale > 0 else None

    def forward(self, x: Tensor, rel_pos_bias: Tensor | None = None) -> Tensor:
        """[B, N, embed_dims] to the same shape; ``rel_pos_bias`` [num_heads, N, N] is added to the scores."""
        x = x + self.drop_path(_scaled(self.attn(self.ln1(x), rel_pos_bias), self.gamma_1))
        return x + self.drop_path(_scaled(self.ffn(self.ln2(x)), self.gamma_2))


def shrink_by_depth(layer: BEiTTransformerEncoderLayer, depth: int) -> None:
    """Divide the last weights of both branches by sqrt(2 depth), depth counted from 1 (BEiT, section 2.4)."""
    with torch.no_grad():
        for last in (layer.attn.proj, layer.ffn.layers[-2]):
            last.get_parameter("weight").div_((2 * depth) ** 0.5)


def _scaled(branch: Tensor, factor: Tensor | None) -> Tensor:
    return branch if factor is None else factor * branch


def _index_with_class_token(window_size: tuple[int, int]) -> Tensor:
    """Row of the table for each (query, key), [1 + N, 1 + N]; the class token is the first of either."""
    patches = relative_position_index(*window_size)
    rows = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)
    index = patches.new_zeros(patches.shape[0] + 1, patches.shape[0] + 1)
    index[1:, 1:] = patches
    index[0, :] = rows
    index[:, 0] = rows + 1
    index[0, 0] = rows + 2
    return index


def _fit_biases(module: BEiTAttention, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Turn a bias of query, key and value into biases of query and value, or back."""
    whole, query, value = (f"{prefix}{name}" for name in ("qkv.bias", "q_bias", "v_bias"))
    if module.q_bias is not None and whole in state_dict and query not in state_dict:
        state_dict[query], _key, state_dict[value] = state_dict.pop(whole).chunk(3)
    elif module.q_bias is None and query in state_dict and value in state_dict:
        given = state_dict.pop(query), state_dict.pop(value)
        state_dict[whole] = torch.cat([given[0], torch.zeros_like(given[0]), given[1]])
