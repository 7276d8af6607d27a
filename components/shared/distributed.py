"""Batches gathered from all processes of a distributed run."""

from typing import Any, cast

import torch
from torch import Tensor
from torch import distributed as dist

__all__ = [
    "all_summed",
    "all_summed_with_gradient",
    "from_first",
    "gathered",
    "gathered_with_gradient",
    "process_count",
    "process_rank",
]


def process_count() -> int:
    """How many processes train together; 1 where torch.distributed is not initialised."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def process_rank() -> int:
    """Which of them this one is, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


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
    """As ``gathered``, and the gradient flows back: each process gets its own gradient of its own part.

    What the other processes' losses would add is left out, as in OpenMMLab's SimCLR: where every process has the loss
    of all samples, the average over the processes is the gradient of that loss divided by their number.

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
    """Concatenates over the processes; its backward picks the process's own part."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.rows = x.shape[0]
        return gathered(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        start = process_rank() * ctx.rows
        return gradient[start : start + ctx.rows]


class _Sum(torch.autograd.Function):
    """Sums over the processes, forward and backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return all_summed(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return all_summed(gradient)
