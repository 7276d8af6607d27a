"""Sizes of what flows on a wire, for a batch of any size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["BATCHES", "PerImage", "Probe", "Shape", "probe_of", "shape_text", "tensor_of"]

BATCHES = (2, 3)
"""Every graph is run with two batch sizes: what differs between them is what depends on the batch."""

Shape = tuple[int | str, ...]
"""Sizes of one tensor; ``B`` and ``2B`` stand for what grows with the batch."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A tensor of two sizes: for the first and for the second batch size.

    Args:
        first: Its shape for the first of ``BATCHES``.
        second: Its shape for the second.
        dtype: Its data type.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    dtype: torch.dtype

    @property
    def shape(self) -> Shape:
        """The sizes with what grows with the batch written as ``B``."""
        if len(self.first) != len(self.second):
            return self.first
        return tuple(map(_in_batches, self.first, self.second))


@dataclass(frozen=True, slots=True)
class PerImage:
    """One tensor for each image of a batch, all of one size.

    Args:
        shape: The size of each.
        dtype: Their data type.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype


def tensor_of(probe: Any, which: int) -> Any:
    """Meta tensors for a probe, or for a tuple of them; ``which`` is 0 or 1 for the two batch sizes."""
    if isinstance(probe, Probe):
        return torch.empty((probe.first, probe.second)[which], dtype=probe.dtype, device="meta")
    if isinstance(probe, PerImage):
        return tuple(torch.empty(probe.shape, dtype=probe.dtype, device="meta") for _ in range(BATCHES[which]))
    if isinstance(probe, tuple):
        return tuple(tensor_of(item, which) for item in probe)
    return probe


def probe_of(first: Any, second: Any) -> Any:
    """What two runs gave, as probes: tensors become ``Probe``, sequences tuples, anything else None (not known)."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return Probe(tuple(first.shape), tuple(second.shape), first.dtype)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        return tuple(map(probe_of, first, second))
    return None


def shape_text(shape: Sequence[Any] | None) -> str:
    """Sizes as people read them: ``B 3 224 224``, a sequence level by level, ``?`` for what is not known."""
    if shape is None:
        return "?"
    if shape and any(isinstance(part, tuple) or part is None for part in shape):
        return ", ".join(shape_text(part) for part in shape)
    return " ".join(map(str, shape)) or "scalar"


def _in_batches(first: int, second: int) -> int | str:
    """``a * B + c`` through the two points."""
    slope, rest = divmod(second - first, BATCHES[1] - BATCHES[0])
    offset = first - slope * BATCHES[0]
    if rest or slope <= 0:
        return first
    text = "B" if slope == 1 else f"{slope}B"
    return text if offset == 0 else f"{text}{offset:+d}"
