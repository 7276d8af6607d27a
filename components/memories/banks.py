"""Memories of embeddings: a queue of keys, a bank of samples, prototypes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from annotated_types import Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.augmentations import MOCO
from components.shared.bounds import Count
from components.shared.distributed import gathered
from components.shared.value_checks import check_range
from composer.ports import AnyTensor, Augmentation, Embedding, Feeder, SampleIndex, Score, Usually

__all__ = ["NegativeQueue", "PrototypeSimilarity", "SimpleMemory"]


class NegativeQueue(nn.Module):
    """The keys of the last batches, as negatives (MoCo, arXiv:1911.05722, section 3.1; DenseCL, arXiv:2011.09157).

    It answers from what it holds; then, in training, the new keys take the place of the oldest: those of all processes,
    where several train together. Unlike OpenMMLab's it takes batches that do not divide its length; of one with more
    keys than it holds the last ones stay.

    Keywords: queue, memory queue, moco queue, moco, momentum contrast, dictionary queue, negatives, fifo, memory
    bank, enqueue dequeue.

    Args:
        feat_dim: Length of a key.
        length: How many keys it holds.
    """

    queue: Tensor
    queue_ptr: Tensor

    def __init__(self, feat_dim: Count, length: Count = 65536) -> None:
        super().__init__()
        self.length = length
        self.register_buffer("queue", F.normalize(torch.randn(feat_dim, length), dim=0))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.int64))

    def forward(
        self, keys: Annotated[Embedding, Usually("MoCoV2Neck"), "B feat_dim"]
    ) -> Annotated[AnyTensor, "feat_dim length"]:
        """The keys that are held, one a column; as they were before the new ones came.

        Args:
            keys: The new keys, of length one.
        """
        if not self.training:
            return self.queue
        held = self.queue.clone()
        with torch.no_grad():
            self._take_in(gathered(keys.detach()))
        return held

    def _take_in(self, keys: Tensor) -> None:
        count = keys.shape[0]
        kept = torch.arange(max(count - self.length, 0), count, device=keys.device)
        places = (self.queue_ptr + kept) % self.length
        self.queue.index_copy_(1, places, keys[-len(kept) :].mT.to(self.queue.dtype))
        self.queue_ptr.copy_((self.queue_ptr + count) % self.length)


class Similarities(NamedTuple):
    """How similar each embedding is to what the bank holds for its own sample, and for others."""

    positive: Annotated[Score, "B 1"]
    negative: Annotated[Score, "B neg_num"]


class SimpleMemory(nn.Module):
    """A running average of every sample's embedding, to distinguish samples by (NPID, arXiv:1805.01978, section 3.3).

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

    augmentation: ClassVar[Augmentation] = Augmentation(steps=MOCO, shifted=False)

    feature_bank: Tensor

    def __init__(
        self,
        length: Count,
        feat_dim: Count,
        momentum: Annotated[float, Interval(ge=0, le=1)],
        neg_num: Count = 65536,
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
        length: Count,
        in_channels: Count,
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
