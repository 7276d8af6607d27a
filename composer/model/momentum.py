"""Momentum copies: modules that follow another one as a moving average (mean teacher, arXiv:1703.01780)."""

import copy
import math
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["PROGRESS", "STEPS", "momentum_copy", "momentum_reset", "momentum_update", "scheduled_decay"]

STEPS = "momentum_steps"
"""Name of the buffer that counts a copy's updates."""

PROGRESS = "training_progress"
"""Name of the buffer that holds how far a model's training is, from 0 to 1."""


def momentum_copy(source: nn.Module) -> nn.Module:
    """A copy of a module that takes no gradient."""
    return copy.deepcopy(source).requires_grad_(False)


def scheduled_decay(decay: float, end_decay: float, progress: Tensor) -> Tensor:
    """What a copy keeps of itself at a point of training: from one share to another along half a cosine.

    BYOL's schedule (arXiv:2006.07733, section 3.2), which MoCo v3 has too (arXiv:2104.02057, section 4.1).

    Args:
        decay: The share at the start.
        end_decay: The share at the end.
        progress: How far training is, from 0 to 1, [].
    """
    left = (torch.cos(math.pi * progress.float()) + 1) / 2
    return end_decay - (end_decay - decay) * left


@torch.no_grad()
def momentum_update(target: nn.Module, source: nn.Module, decay: float | Tensor) -> None:
    """Move a momentum copy towards its source: ``target = decay * target + (1 - decay) * source``.

    The first update copies the source, and buffers (normalisation statistics) are always copied, as in OpenMMLab's
    averaged models.

    Args:
        target: The copy; its buffer ``momentum_steps`` counts the updates.
        source: The module that it follows.
        decay: What the copy keeps of itself, in [0, 1].
    """
    steps = cast(Tensor, getattr(target, STEPS))
    copies, sources = _pairs(dict(target.named_parameters()), dict(source.named_parameters()))
    if copies:
        _average(copies, sources, steps, decay)
    _copy_buffers(target, source)
    steps.add_(1)


@torch.no_grad()
def momentum_reset(target: nn.Module, source: nn.Module) -> None:
    """Make a momentum copy equal to its source again.

    Args:
        target: The copy; the count of its updates stays.
        source: The module that it follows.
    """
    copies, sources = _pairs(dict(target.named_parameters()), dict(source.named_parameters()))
    if copies:
        torch._foreach_copy_(copies, sources)
    _copy_buffers(target, source)


def _average(copies: list[Tensor], sources: list[Tensor], steps: Tensor, decay: float | Tensor) -> None:
    """One pass over the memory where the numbers are at hand, and three where only the device knows them."""
    if steps.device.type == "cpu" and not torch.compiler.is_compiling():
        first = type(steps) is not Tensor or not steps.item()  # a tensor without numbers: no matter which
        torch._foreach_lerp_(copies, sources, 1.0 if first else 1 - float(decay))
        return
    torch._foreach_sub_(copies, sources)  # source + kept * (target - source): exactly the source where kept is 0
    torch._foreach_mul_(copies, torch.where(steps == 0, 0.0, decay))
    torch._foreach_add_(copies, sources)


def _copy_buffers(target: nn.Module, source: nn.Module) -> None:
    copies, sources = _pairs(dict(target.named_buffers()), dict(source.named_buffers()))
    if copies:
        torch._foreach_copy_(copies, sources)


def _pairs(copies: Mapping[str, Tensor], sources: Mapping[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """What both have under one name."""
    names = [name for name in copies if name in sources]
    return [copies[name] for name in names], [sources[name] for name in names]
