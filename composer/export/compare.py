"""How far what was exported is from the model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["TOLERANCE", "Comparison", "compare_outputs", "difference", "largest_difference", "tensors_in"]

TOLERANCE = 1e-5
"""Largest difference with which an export counts as the same model."""


_MEANINGFUL = 1e-4


@dataclass(frozen=True)
class Comparison:
    """How an export held against the model.

    Args:
        difference: The largest difference.
        spread: How far apart the numbers of an output are at most; where they are all the same (a head that starts with
            zeros), that they agree says little.
    """

    difference: float = 0.0
    spread: float = 0.0

    @property
    def note(self) -> str:
        """A warning where the comparison says little; else empty."""
        if self.spread >= _MEANINGFUL:
            return ""
        return "; its outputs hardly vary, so that they agree says little: load weights first"

    def __or__(self, other: "Comparison") -> "Comparison":
        return Comparison(max(self.difference, other.difference), max(self.spread, other.spread))


def compare_outputs(expected: Any, found: Any) -> Comparison:
    """Hold two outputs against each other."""
    spread = max((_spread(tensor) for _, tensor in tensors_in(expected)), default=0.0)
    return Comparison(difference(expected, found), spread)


def difference(expected: Any, found: Any) -> float:
    """The largest difference between the numbers of two outputs.

    It is absolute where the expected numbers are within -1 and 1, and else relative to the largest of its tensor, since
    the rounding of 32 bits grows with them.

    Returns:
        0 for the same numbers, infinity where names, shapes or infinities differ.
    """
    left, right = dict(tensors_in(expected)), dict(tensors_in(found))
    if left.keys() != right.keys():
        return float("inf")
    return max((largest_difference(left[name], right[name]) for name in left), default=0.0)


def tensors_in(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors in an output by name; the levels of a sequence are counted: ``features.0``."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from tensors_in(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from tensors_in(item, f"{name}.{position}" if name else str(position))
    elif value is not None:
        yield name, torch.as_tensor(value)


def largest_difference(expected: Tensor, found: Tensor) -> float:
    """The largest difference of two tensors, as ``difference`` has it."""
    if expected.shape != found.shape:
        return float("inf")
    one, other = expected.detach().double(), found.detach().double()
    same = (one == other) | (one.isnan() & other.isnan())
    if bool(same.all()):
        return 0.0
    gap = torch.where(same, 0.0, (one - other).abs()).nan_to_num(nan=float("inf"), posinf=float("inf"))
    scale = max(1.0, float(torch.where(one.isfinite(), one.abs(), 0.0).max()))
    return float(gap.max()) / scale


def _spread(tensor: Tensor) -> float:
    """Of one number its size."""
    if not tensor.is_floating_point() or not tensor.numel():
        return 0.0
    low, high = tensor.detach().double().aminmax()
    return float(high.abs() if tensor.numel() == 1 else high - low)
