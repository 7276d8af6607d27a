"""Truncated normal weights, drawn without looking at them, so that fake tensors can be filled too."""

import math

import torch
from torch import Tensor

__all__ = ["trunc_normal_"]

_EDGE = 1 - 1e-7  # the inverse error function is infinite at 1


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Fill with a normal distribution cut off outside ``a`` to ``b``, by inverting its distribution function.

    ``torch.nn.init.trunc_normal_`` draws again until all values lie inside, which data-free tensors cannot tell.

    Args:
        tensor: Filled in place.
        mean: Of the distribution before it is cut.
        std: Of the distribution before it is cut.
        a: Smallest value.
        b: Largest value.

    Returns:
        ``tensor``.
    """
    wide = std * math.sqrt(2)
    low, high = (min(max(math.erf((bound - mean) / wide), -_EDGE), _EDGE) for bound in (a, b))
    with torch.no_grad():
        return tensor.uniform_(low, high).erfinv_().mul_(wide).add_(mean).clamp_(a, b)
