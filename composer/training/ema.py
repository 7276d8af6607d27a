"""A moving average of all weights (arXiv:1803.05407, section 3; with the warm-up of TensorFlow's own)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from composer.training.recipe import Ema

__all__ = ["WeightAverage"]


class WeightAverage:
    """Follows the weights of a model; statistics and other buffers are those of the model itself.

    Args:
        model: The model; what takes no gradient now and at no other time is followed as well, which costs nothing
            but memory and keeps names and order simple.
        ema: What the recipe says.
    """

    def __init__(self, model: nn.Module, ema: Ema) -> None:
        self.model = model
        self.decay = ema.decay
        self.warmup = ema.warmup
        self.weights = {name: item.detach().clone() for name, item in model.named_parameters()}

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move towards the weights as they are after a step.

        Args:
            step: The step that was made, counted from 0.
        """
        kept = min(self.decay, (1 + step) / (10 + step)) if self.warmup else self.decay
        weights = [item.detach() for item in self.model.parameters()]
        torch._foreach_lerp_(list(self.weights.values()), weights, 1 - kept)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model hold the average instead of its weights, inside."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, item in self.model.named_parameters():
            mine = self.weights[name]
            held = item.detach().clone()
            item.copy_(mine)
            mine.copy_(held)
