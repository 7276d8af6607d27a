"""Layers of a transformer (arXiv:1706.03762), with the names torch gives their weights."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from components.layers.attention import MultiheadAttention
from components.shared.bounds import Count, Epsilon, Probability, require_divisor
from composer.ports import AnyTensor, Mask, Tokens, Usually

__all__ = ["TransformerDecoderLayer", "TransformerEncoderLayer"]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}


class TransformerLayer(nn.Module):
    """What an encoder's and a decoder's layer have in common.

    Args:
        d_model: Length of a token.
        nhead: Heads of each attention; a divisor of ``d_model``.
        dim_feedforward: Hidden length of the MLP.
        dropout: Chance of an element to be zero in training, in each attention and after each part.
        activation: What stands between the MLP's layers.
        layer_norm_eps: Added to the variance in the normalisations.
        norm_first: Whether each part's input is normalised (as in ViT) rather than its sum.
        bias: Whether layers have biases.
    """

    _decodes: ClassVar[bool]

    def __init__(
        self,
        d_model: Count,
        nhead: Count,
        dim_feedforward: Count = 2048,
        dropout: Probability = 0.1,
        activation: Literal["relu", "gelu"] = "relu",
        layer_norm_eps: Epsilon = 1e-5,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_divisor("nhead", nhead, d_model=d_model)
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias)
        if self._decodes:
            self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias)
        self.linear1 = nn.Linear(d_model, dim_feedforward, bias)
        self.dropout = nn.Dropout(dropout)
        self.linear2 = nn.Linear(dim_feedforward, d_model, bias)
        self.norm_first = norm_first
        self.norm1 = nn.LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = nn.LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(dropout)
        if self._decodes:
            self.norm3 = nn.LayerNorm(d_model, layer_norm_eps, bias=bias)
            self.dropout3 = nn.Dropout(dropout)
        self.activation = _ACTIVATIONS[activation]

    def _mlp(self, x: Tensor) -> Tensor:
        last = self.dropout3 if self._decodes else self.dropout2
        return last(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoderLayer(TransformerLayer):
    """Self-attention, then a two-layer MLP, both residual (arXiv:1706.03762, figure 1, left).

    Equal to ``torch.nn.TransformerEncoderLayer`` with the batch first. In a mask, True leaves a token out.

    Keywords: transformer, transformer block, transformer layer, encoder, transformer encoder, vit block,
    self-attention, attention block, encoder layer, attention, bert layer, feed forward, ffn, mlp block.

    Raises:
        ValueError: ``nhead`` does not divide ``d_model``.
    """

    _decodes = False

    def forward(
        self,
        src: Annotated[Tokens, Usually("MapToTokens"), "B N d_model"],
        src_mask: Annotated[AnyTensor, Usually(Mask), "N N"] | None = None,
        src_key_padding_mask: Annotated[Mask, "B N"] | None = None,
    ) -> Annotated[Tokens, "B N d_model"]:
        masks = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask}
        if self.norm_first:
            x = src + self.dropout1(self.self_attn(self.norm1(src), **masks))
            return x + self._mlp(self.norm2(x))
        x = self.norm1(src + self.dropout1(self.self_attn(src, **masks)))
        return self.norm2(x + self._mlp(x))


class TransformerDecoderLayer(TransformerLayer):
    """Self-attention, attention to a memory, then a two-layer MLP, all residual (arXiv:1706.03762, figure 1, right).

    Equal to ``torch.nn.TransformerDecoderLayer`` with the batch first. In a mask, True leaves a token out.

    Keywords: decoder, transformer decoder, detr, cross attention, transformer layer, transformer block, attention,
    decoder layer.

    Raises:
        ValueError: ``nhead`` does not divide ``d_model``.
    """

    _decodes = True

    def forward(
        self,
        tgt: Annotated[Tokens, Usually("MapToTokens"), "B N d_model"],
        memory: Annotated[Tokens, Usually("TransformerEncoderLayer"), "B M d_model"],
        tgt_mask: Annotated[AnyTensor, Usually(Mask), "N N"] | None = None,
        memory_mask: Annotated[AnyTensor, Usually(Mask), "N M"] | None = None,
        tgt_key_padding_mask: Annotated[Mask, "B N"] | None = None,
        memory_key_padding_mask: Annotated[Mask, "B M"] | None = None,
    ) -> Annotated[Tokens, "B N d_model"]:
        own = {"attn_mask": tgt_mask, "key_padding_mask": tgt_key_padding_mask}
        other = {"attn_mask": memory_mask, "key_padding_mask": memory_key_padding_mask}
        if self.norm_first:
            x = tgt + self.dropout1(self.self_attn(self.norm1(tgt), **own))
            x = x + self.dropout2(self.multihead_attn(self.norm2(x), memory, **other))
            return x + self._mlp(self.norm3(x))
        x = self.norm1(tgt + self.dropout1(self.self_attn(tgt, **own)))
        x = self.norm2(x + self.dropout2(self.multihead_attn(x, memory, **other)))
        return self.norm3(x + self._mlp(x))
