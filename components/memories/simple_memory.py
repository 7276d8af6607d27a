"""A bank with one vector for each sample of the data set."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.distributed import gathered
from components.shared.value_checks import check_range
from composer.ports import Embedding, Feeder, SampleIndex, Score, Usually

__all__ = ["SimpleMemory"]


class Similarities(NamedTuple):
    """How similar each embedding is to what the bank holds for its own sample, and for others."""

    positive: Annotated[Score, "B 1"]
    negative: Annotated[Score, "B neg_num"]


class SimpleMemory(nn.Module):
    """A running average of every sample's embedding, to tell samples apart by (NPID, arXiv:1805.01978, section 3.3).

    It answers from what it holds; then, in training, the bank takes in the new embeddings: of all processes, where
    several train together. Embeddings are brought to length 1 here. ``neg_num`` and ``ensure_neg`` stand in
    OpenMMLab's algorithm NPID; what it draws again until no negative is the sample itself is drawn once here, from the
    others.

    Keywords: memory bank, npid, instance discrimination, nce memory, moving average, ema, momentum.

    Args:
        length: Samples of the data set.
        feat_dim: Length of an embedding.
        momentum: Share of the new embedding in the average, 0 to 1.
        neg_num: Negatives that are drawn for each sample.
        ensure_neg: Whether a sample is never its own negative.

    Raises:
        ValueError: ``ensure_neg`` with a bank of one sample. In ``forward``: an index outside the bank.
    """

    feature_bank: Tensor

    def __init__(
        self,
        length: Annotated[int, Ge(1)],
        feat_dim: Annotated[int, Ge(1)],
        momentum: Annotated[float, Interval(ge=0, le=1)],
        neg_num: Annotated[int, Ge(1)] = 65536,
        ensure_neg: bool = False,
    ) -> None:
        super().__init__()
        if ensure_neg and length == 1:
            raise ValueError("found ensure_neg with length 1: no other sample is there to be drawn, set length")
        self.length = length
        self.momentum = momentum
        self.neg_num = neg_num
        self.ensure_neg = ensure_neg
        self.register_buffer("feature_bank", F.normalize(torch.randn(length, feat_dim)))
        self.multinomial = AliasTable(length)

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse an index outside the bank.

        Args:
            given: What comes in, by port.
            feeders: Not looked at.

        Raises:
            ValueError: There is one.
        """
        if "index" in given:
            mend = f"the bank holds {self.length} samples, set length to the size of the data set"
            check_range("index", given["index"], self.length, "sample", mend)

    def forward(
        self, feature: Annotated[Embedding, Usually("LinearNeck"), "B feat_dim"], index: Annotated[SampleIndex, "B"]
    ) -> Similarities:
        """Give f . v_i for the own sample and for ``neg_num`` drawn ones; then v_i <- m f + (1 - m) v_i."""
        self.check_inputs({"index": index}, {})
        feature = F.normalize(feature)
        drawn = self._draw(index)
        # Copies of what the bank holds: the backward pass must not see it change.
        positive = torch.einsum("bc,bc->b", self.feature_bank[index], feature).unsqueeze(1)
        negative = torch.einsum("bkc,bc->bk", self.feature_bank[drawn], feature)
        if self.training:
            self._take_in(index, feature)
        return Similarities(positive, negative)

    def _draw(self, index: Tensor) -> Tensor:
        drawn = self.multinomial.draw(len(index) * self.neg_num).view(-1, self.neg_num)
        if not self.ensure_neg:
            return drawn
        step = torch.randint(1, self.length, drawn.shape, device=drawn.device)
        return torch.where(drawn == index.unsqueeze(1), (drawn + step) % self.length, drawn)

    @torch.no_grad()
    def _take_in(self, index: Tensor, feature: Tensor) -> None:
        index, feature = gathered(index), gathered(feature.detach())
        mixed = self.momentum * feature + (1 - self.momentum) * self.feature_bank[index]
        self.feature_bank[index] = F.normalize(mixed).to(self.feature_bank.dtype)


class AliasTable(nn.Module):
    """Draws from a discrete distribution in constant time (Walker's alias method); at first all are equally likely.

    Args:
        length: How many there are to draw from.
    """

    prob: Tensor
    alias: Tensor

    def __init__(self, length: int) -> None:
        super().__init__()
        self.register_buffer("prob", torch.ones(length))
        self.register_buffer("alias", torch.zeros(length, dtype=torch.int64))

    def draw(self, count: int) -> Tensor:
        """[count] indices: a column at random, then itself with its probability, else its alias."""
        column = torch.randint(len(self.prob), (count,), device=self.prob.device)
        return torch.where(torch.bernoulli(self.prob[column]).bool(), column, self.alias[column])

    def __repr__(self) -> str:
        return f"AliasTable({len(self.prob)})"
