"""Similarity to a set of prototypes."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from composer.ports import Embedding, Score, Usually

__all__ = ["PrototypeSimilarity"]


class PrototypeSimilarity(nn.Module):
    """How similar each embedding is to each prototype that is held: cosines, as OpenMMLab's ImageToImageRetriever has.

    The prototypes come from the state dict (entry ``prototype_vecs``, which OpenMMLab does not save), from the
    parameter ``prototypes``, or over the wire; those on the wire go first and are not kept. Before any came,
    similarities are 0.

    Keywords: gallery, prototypes, retrieval, image retrieval, cosine similarity, nearest neighbour, nearest
    neighbor, knn, similarity search, index.

    Args:
        length: How many prototypes; taken from the wire where ``prototypes`` has one.
        in_channels: Length of an embedding.
        similarity_fn: How similarity is measured.
        prototypes: What is held at first, one row of ``in_channels`` numbers a prototype; meant for small sets.

    Raises:
        ValueError: ``prototypes`` has other sizes than ``length`` and ``in_channels``.
    """

    prototype_vecs: Tensor

    def __init__(
        self,
        length: Annotated[int, Ge(1)],
        in_channels: Annotated[int, Ge(1)],
        similarity_fn: Literal["cosine_similarity"] = "cosine_similarity",
        prototypes: tuple[tuple[float, ...], ...] | None = None,
    ) -> None:
        super().__init__()
        if prototypes is None:
            vectors = torch.zeros(length, in_channels)
        else:
            widths = {len(row) for row in prototypes}
            if len(prototypes) != length or widths != {in_channels}:
                raise ValueError(
                    f"found {len(prototypes)} prototypes of {sorted(widths)} numbers, expected {length} of "
                    f"{in_channels}: set length to the number of rows, and wire an embedding as long as a row"
                )
            vectors = torch.tensor(prototypes)
        self.register_buffer("prototype_vecs", vectors)

    def forward(
        self,
        feature: Annotated[Embedding, Usually("GlobalAveragePooling"), "B in_channels"],
        prototypes: Annotated[Embedding, "length in_channels"] | None = None,
    ) -> Annotated[Score, "B length"]:
        """cos(feature, prototype) of every pair, from -1 to 1."""
        held = self.prototype_vecs if prototypes is None else prototypes
        return F.normalize(feature, eps=1e-8) @ F.normalize(held, eps=1e-8).mT
