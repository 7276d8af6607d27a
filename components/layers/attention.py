"""Attention: each token gathers from others what it needs (arXiv:1706.03762)."""

from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count, Probability, require_divisor
from composer.ports import AnyTensor, Mask, Tokens, Usually

__all__ = ["MultiheadAttention", "ScaledDotProductAttention"]


class MultiheadAttention(nn.MultiheadAttention):
    """Attention in several subspaces at once (arXiv:1706.03762, section 3.2.2), as ``torch.nn.MultiheadAttention``.

    The batch comes first, weights are not returned, and a key and value left without a wire are the query
    (self-attention). In a mask, True leaves a key out, as in torch.

    Keywords: attention, self attention, cross attention, qkv, mha, msa, mhsa, scaled_dot_product_attention, sdpa,
    transformer attention, query key value.

    Args:
        embed_dim: Length of a query token and of the output.
        num_heads: Subspaces; a divisor of ``embed_dim``.
        dropout: Chance of an attention weight to be zero in training.
        bias: Whether the projections have biases.
        kdim: Length of a key token; None for ``embed_dim``.
        vdim: Length of a value token; None for ``embed_dim``.

    Raises:
        ValueError: ``num_heads`` does not divide ``embed_dim``.
    """

    def __init__(
        self,
        embed_dim: Count,
        num_heads: Count,
        dropout: Probability = 0.0,
        bias: bool = True,
        kdim: Count | None = None,
        vdim: Count | None = None,
    ) -> None:
        require_divisor("num_heads", num_heads, embed_dim=embed_dim)
        super().__init__(embed_dim, num_heads, dropout, bias, kdim=kdim, vdim=vdim, batch_first=True)

    def forward(  # type: ignore[override]
        self,
        query: Annotated[Tokens, Usually("MapToTokens"), "B N embed_dim"],
        key: Annotated[Tokens, Usually("MapToTokens"), "B M kdim"] | None = None,
        value: Annotated[Tokens, Usually("MapToTokens"), "B M vdim"] | None = None,
        key_padding_mask: Annotated[Mask, "B L"] | None = None,
        attn_mask: Annotated[AnyTensor, Usually(Mask), "N L"] | None = None,
    ) -> Annotated[Tokens, "B N embed_dim"]:
        key = query if key is None else key
        value = key if value is None else value
        q, k, v = self._project(query, key, value)
        mask = _additive(key_padding_mask, attn_mask, query.dtype)
        heads = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0)
        return self.out_proj(heads.transpose(1, 2).flatten(2))

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values of every head, [B, heads, tokens, head_dim]."""
        shape = (self.num_heads, self.head_dim)
        if query is key is value and self._qkv_same_embed_dim:
            packed = F.linear(query, self.in_proj_weight, self.in_proj_bias)
            return torch.unflatten(packed, -1, (3, *shape)).permute(2, 0, 3, 1, 4).unbind(0)
        if self._qkv_same_embed_dim:
            weights = self.in_proj_weight.chunk(3)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)  # type: ignore[redundant-expr]
        return tuple(
            torch.unflatten(F.linear(x, weight, bias), -1, shape).transpose(1, 2)
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )


class ScaledDotProductAttention(nn.Module):
    """softmax(q kᵀ scale) v (arXiv:1706.03762, section 3.2.1), as ``torch.nn.functional.scaled_dot_product_attention``.

    Keywords: sdpa, attention, qkv, flash attention, dot product attention, f.scaled_dot_product_attention.

    Args:
        scale: What the products are multiplied by; None for one by the root of the length of a query.
        dropout: Chance of an attention weight to be zero in training.
        is_causal: Whether a query sees only the keys up to its own place.
    """

    def __init__(self, scale: float | None = None, dropout: Probability = 0.0, is_causal: bool = False) -> None:
        super().__init__()
        self.scale = scale
        self.dropout = dropout
        self.is_causal = is_causal

    def forward(
        self,
        query: Annotated[AnyTensor, Usually("Unbind"), "... N E"],
        key: Annotated[AnyTensor, Usually("Unbind")],
        value: Annotated[AnyTensor, Usually("Unbind"), "... M V"],
        mask: Annotated[AnyTensor, Usually(Mask)] | None = None,
    ) -> Annotated[AnyTensor, "... N V"]:
        """What each query gathers.

        Args:
            query: Queries.
            key: Keys, as long as queries.
            value: Values, one for each key.
            mask: Added to the products; one of truth values keeps a key where it is true.
        """
        dropout = self.dropout if self.training else 0.0
        return F.scaled_dot_product_attention(query, key, value, mask, dropout, self.is_causal, scale=self.scale)


def _additive(key_padding_mask: Tensor | None, attn_mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Both masks as one that is added to the attention's logits, [B or 1, 1, N or 1, M]."""
    padding = None if key_padding_mask is None else _barred(key_padding_mask, dtype)[:, None, None, :]
    if attn_mask is None:
        return padding
    pairs = _barred(attn_mask, dtype)[None, None]
    return pairs if padding is None else pairs + padding


def _barred(mask: Tensor, dtype: torch.dtype) -> Tensor:
    if mask.is_floating_point():
        return mask
    zeros = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return zeros.masked_fill(mask.bool(), float("-inf"))
