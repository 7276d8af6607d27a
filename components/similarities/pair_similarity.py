"""Similarity of all pairs of a batch of two views."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor, nn

from components.shared.distributed import gathered_with_gradient, process_count
from composer.ports import Embedding, Score, Usually

__all__ = ["PairSimilarity"]

_EPS = 1e-10


class _Similarities(NamedTuple):
    pos: Annotated[Score, "P 1"]
    neg: Annotated[Score, "P K"]


class PairSimilarity(nn.Module):
    """Cosines of all pairs of a batch of two views (SimCLR, arXiv:2002.05709, section 2.1).

    The batches of all processes count, where several train together.

    Keywords: simclr, simclr similarity, pairwise cosine, nt-xent, gram matrix, similarity matrix, cosine
    similarity, contrastive.

    Raises:
        ValueError: The rows are not two views of a number of pictures.
    """

    def forward(self, feature: Annotated[Embedding, Usually("NonLinearNeck"), "M C"]) -> _Similarities:
        """Similarities of each row to its partner [2N, 1] and to the 2N - 2 others [2N, 2N - 2].

        Args:
            feature: The first views of all pictures, then their second views in the same order: [2N, C].
        """
        if feature.shape[0] % 2:
            raise ValueError(
                f"found {feature.shape[0]} rows, expected the first views of all pictures and then as many second ones"
            )
        unit = feature / (feature.norm(dim=1, keepdim=True) + _EPS)
        if process_count() > 1:
            unit = _by_view(gathered_with_gradient(unit), process_count())
        pictures = unit.shape[0] // 2
        row = torch.arange(2 * pictures, device=unit.device)
        others = _others(row % pictures, pictures)
        similarity = unit @ unit.mT
        partner = (row + pictures) % (2 * pictures)
        return _Similarities(similarity.gather(1, partner[:, None]), similarity.gather(1, others))


def _by_view(rows: Tensor, processes: int) -> Tensor:
    """Rows that are sorted by process and then by view, sorted by view first."""
    return rows.view(processes, 2, -1, rows.shape[1]).transpose(0, 1).flatten(0, 2)


def _others(picture: Tensor, pictures: int) -> Tensor:
    """For each row the columns of the other pictures' views, ascending: [2N, 2N - 2]."""
    column = torch.arange(2 * pictures - 2, device=picture.device).expand(2 * pictures, -1)
    column = column + (column >= picture[:, None])
    return column + (column >= picture[:, None] + pictures)
