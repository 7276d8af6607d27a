"""Momentum copies: modules that follow another one as a moving average (mean teacher, arXiv:1703.01780)."""

import copy
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["STEPS", "momentum_copy", "momentum_update"]

STEPS = "momentum_steps"
"""Name of the buffer that counts a copy's updates."""


def momentum_copy(source: nn.Module) -> nn.Module:
    """A copy of a module that takes no gradient."""
    return copy.deepcopy(source).requires_grad_(False)


@torch.no_grad()
def momentum_update(target: nn.Module, source: nn.Module, decay: float) -> None:
    """Move a momentum copy towards its source: ``target = decay * target + (1 - decay) * source``.

    The first update copies the source, and buffers (normalisation statistics) are always copied, as in OpenMMLab's
    averaged models.

    Args:
        target: The copy; its buffer ``momentum_steps`` counts the updates.
        source: The module that it follows.
        decay: What the copy keeps of itself, in [0, 1].
    """
    steps = cast(Tensor, getattr(target, STEPS))
    weight = torch.where(steps == 0, 1.0, 1.0 - decay)
    parameters = dict(source.named_parameters())
    for name, mine in target.named_parameters():
        mine.lerp_(parameters[name], weight.to(mine.dtype))
    buffers = dict(source.named_buffers())
    for name, buffer in target.named_buffers():
        if name in buffers:
            buffer.copy_(buffers[name])
    steps.add_(1)
