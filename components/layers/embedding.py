"""Learned vectors: looked up, put in front of a sequence, or added to it."""

from typing import Annotated

import torch
from torch import nn
from torch.nn import functional as F

from components.shared.bounds import Count
from composer.ports import AnyTensor, Label, Tokens, Usually

__all__ = ["ClassToken", "Embedding", "PositionEmbedding"]


class Embedding(nn.Embedding):
    """A learned vector for each index, as ``torch.nn.Embedding``.

    Keywords: lookup table, embed, token embedding, word embedding, index embedding, codebook, lookup.

    Args:
        num_embeddings: How many vectors; an index is from 0 to one less.
        embedding_dim: Length of a vector.
        padding_idx: The index whose vector stays zero and is not learned; negative counts from the end.

    Raises:
        ValueError: ``padding_idx`` is no index.
    """

    def __init__(self, num_embeddings: Count, embedding_dim: Count, padding_idx: int | None = None) -> None:
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(
                f"padding_idx={padding_idx} is no index of num_embeddings={num_embeddings} vectors: "
                f"expected {-num_embeddings} to {num_embeddings - 1}"
            )
        super().__init__(num_embeddings, embedding_dim, padding_idx)

    def forward(self, input: Annotated[AnyTensor, Usually(Label), "..."]) -> Annotated[AnyTensor, "... embedding_dim"]:
        return F.embedding(input, self.weight, self.padding_idx)


class ClassToken(nn.Module):
    """A learned token put in front of every sequence (ViT, arXiv:2010.11929, equation 1).

    Keywords: cls token, prepend token, learnable token, vit token.

    Args:
        embed_dims: Length of a token.
    """

    def __init__(self, embed_dims: Count) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        nn.init.trunc_normal_(self.cls_token, std=0.02)

    def forward(
        self, tokens: Annotated[Tokens, Usually("MapToTokens"), "B N embed_dims"]
    ) -> Annotated[Tokens, "B N2 embed_dims"]:
        return torch.cat((self.cls_token.expand(tokens.shape[0], -1, -1), tokens), dim=1)


class PositionEmbedding(nn.Module):
    """A learned vector added at each place of a sequence (ViT, arXiv:2010.11929, equation 1).

    Keywords: positional encoding, positional embedding, pos_embed, position encoding, learned positions, absolute
    position, embedding.

    Args:
        num_tokens: Length of the sequence.
        embed_dims: Length of a token.
    """

    def __init__(self, num_tokens: Count, embed_dims: Count) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, num_tokens, embed_dims))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(
        self, tokens: Annotated[Tokens, Usually("ClassToken"), "B num_tokens embed_dims"]
    ) -> Annotated[Tokens, "B num_tokens embed_dims"]:
        return tokens + self.pos_embed
