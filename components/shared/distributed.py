"""Batches gathered from all processes of a distributed run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from torch import distributed as dist

__all__ = [
    "all_summed",
    "all_summed_with_gradient",
    "alone",
    "from_first",
    "gathered",
    "gathered_with_gradient",
    "process_count",
    "process_rank",
]


_alone: list[None] = []
"""One entry for each ``alone`` that is entered; a list, since torch.compile cannot follow a ContextVar."""


@contextmanager
def alone() -> Iterator[None]:
    """Let a process compute by itself inside: it waits for no other, which may have fewer samples or none."""
    _alone.append(None)
    try:
        yield
    finally:
        _alone.pop()


def process_count() -> int:
    """How many processes train together; 1 where torch.distributed is not initialised, or inside ``alone``."""
    return dist.get_world_size() if _train_together() else 1


def process_rank() -> int:
    """Which of them this one is, from 0."""
    return dist.get_rank() if _train_together() else 0


def _train_together() -> bool:
    return dist.is_available() and dist.is_initialized() and not _alone


@torch.no_grad()
def gathered(x: Tensor) -> Tensor:
    """The tensors of all processes, one after the other in the order of their ranks, without gradient.

    Args:
        x: Of the same shape in every process.

    Returns:
        [processes * B, ...]; ``x`` itself where there is one process.
    """
    if process_count() == 1:
        return x
    parts = [torch.empty_like(x) for _ in range(process_count())]
    dist.all_gather(parts, x.contiguous())
    return torch.cat(parts)


def gathered_with_gradient(x: Tensor) -> Tensor:
    """As ``gathered``; the gradient is that of the sum of all processes' losses.

    Where every process has the loss of all samples, the average over the processes that DDP takes is then the gradient
    of that loss, as in SimCLR's own code. OpenMMLab keeps what the own loss gives for the own part: a gradient that is
    divided by the number of processes.

    Args:
        x: Of the same shape in every process.

    Returns:
        [processes * B, ...]; ``x`` itself where there is one process.
    """
    return x if process_count() == 1 else cast(Tensor, _Gather.apply(x))  # type: ignore[no-untyped-call]


@torch.no_grad()
def all_summed(x: Tensor) -> Tensor:
    """The sum of the tensors of all processes, without gradient; ``x`` itself where there is one process."""
    if process_count() == 1:
        return x
    total = x.detach().clone()
    dist.all_reduce(total)
    return total


def all_summed_with_gradient(x: Tensor) -> Tensor:
    """As ``all_summed``; the gradient is that of the sum of all processes' losses."""
    return x if process_count() == 1 else cast(Tensor, _Sum.apply(x))  # type: ignore[no-untyped-call]


@torch.no_grad()
def from_first(x: Tensor) -> Tensor:
    """``x`` itself, overwritten with what the first process holds, so that all stay the same."""
    if process_count() > 1:
        dist.broadcast(x, 0)
    return x


class _Gather(torch.autograd.Function):
    """Concatenates over the processes; its backward sums what all of them have for a part."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.rows = x.shape[0]
        return gathered(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        start = process_rank() * ctx.rows
        return all_summed(gradient)[start : start + ctx.rows]


class _Sum(torch.autograd.Function):
    """Sums over the processes, forward and backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return all_summed(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return all_summed(gradient)
