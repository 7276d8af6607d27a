"""Batches mixed across the processes of a distributed run, and put back."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor, nn
from torch import distributed as dist

from components.shared.distributed import gathered, process_count, process_rank
from composer.ports import AnyTensor, Image, Like, Usually

__all__ = ["BatchShuffle", "BatchUnshuffle"]


class _Shuffled(NamedTuple):
    out: Annotated[Tensor, Like("input"), "B ..."]
    order: Annotated[AnyTensor, "M"]


class BatchShuffle(nn.Module):
    """Mixes the samples of all processes (MoCo, arXiv:1911.05722, section 3.3: shuffling BN).

    Batch statistics then cannot show which samples belong together. Only in training and where several processes train
    together; otherwise nothing is mixed.

    Keywords: shuffle bn, shuffling batchnorm, moco shuffle, shuffle samples, randperm.
    """

    def forward(self, input: Annotated[AnyTensor, Usually(Image), "B ..."]) -> _Shuffled:
        """This process's share of the mixed samples, and the order of all of them."""
        total = input.shape[0] * process_count()
        if process_count() == 1 or not self.training:
            return _Shuffled(input, torch.arange(total, device=input.device))
        order = torch.randperm(total, device=input.device)
        dist.broadcast(order, src=0)
        return _Shuffled(_own_share(gathered(input)[order]), order)


class BatchUnshuffle(nn.Module):
    """Puts back what ``BatchShuffle`` mixed; no gradient flows through it where anything was.

    Keywords: unshuffle bn, moco unshuffle.
    """

    def forward(
        self,
        input: Annotated[AnyTensor, Usually("BatchShuffle"), "B ..."],
        order: Annotated[AnyTensor, Usually("BatchShuffle"), "M"],
    ) -> Annotated[Tensor, Like("input"), "B ..."]:
        """The samples of this process.

        Args:
            input: What was made of the mixed samples.
            order: What ``BatchShuffle`` gave.
        """
        if process_count() == 1 or not self.training:
            return input
        return _own_share(gathered(input)[order.argsort()])


def _own_share(rows: Tensor) -> Tensor:
    count = rows.shape[0] // process_count()
    return rows[process_rank() * count :][:count]
