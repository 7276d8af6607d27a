"""Several sets of prototypes."""

from typing import Annotated

from annotated_types import MinLen
from torch import nn

from components.shared.bounds import Count
from composer.ports import Embedding, Levels, Usually

__all__ = ["MultiPrototypes"]


class MultiPrototypes(nn.Module):
    """Scores of each embedding against several sets of prototypes (SwAV, arXiv:2006.09882): linear without bias.

    Keywords: prototypes, swav prototypes, swav head, cluster centers.

    Args:
        output_dim: Length of an embedding.
        num_prototypes: How many prototypes each set has.
    """

    def __init__(
        self,
        output_dim: Count,
        num_prototypes: Annotated[tuple[Count, ...], MinLen(1)],
    ) -> None:
        super().__init__()
        self.num_prototypes = num_prototypes
        for index, count in enumerate(num_prototypes):
            self.add_module(f"prototypes{index}", nn.Linear(output_dim, count, bias=False))

    def forward(
        self, feature: Annotated[Embedding, Usually("SwAVNeck"), "B output_dim"]
    ) -> Annotated[Levels, "B num_prototypes"]:
        """One [B, K] a set."""
        return tuple(layer(feature) for layer in self.layers())

    def layers(self) -> list[nn.Linear]:
        """The sets."""
        return [layer for layer in self.children() if isinstance(layer, nn.Linear)]
