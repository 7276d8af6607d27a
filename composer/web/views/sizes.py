"""Sizes in words and in bytes."""

import math
from functools import lru_cache
from typing import Any

import torch

from composer.rules.sizes.sizes import BATCHES, Probe, axis_number, shape_text

__all__ = ["activation_bytes", "level_texts", "probe_of_size", "size_text"]

_FLOAT = 4


@lru_cache(4096)
def size_text(size: Any) -> str | None:
    """Sizes as a wire shows them: ``B 2048 7 7``, ``4 levels`` for a sequence of more than one."""
    if size is None:
        return None
    if _is_sequence(size):
        return f"{len(size)} levels" if len(size) != 1 else shape_text(size)
    return shape_text(size)


def level_texts(size: Any) -> list[str] | None:
    """What each level of a sequence carries; None for anything else."""
    return [shape_text(level) for level in size] if _is_sequence(size) else None


@lru_cache(4096)
def activation_bytes(size: Any) -> int | None:
    """Bytes of one sample in float32; None where that is not known."""
    if size is None:
        return None
    if _is_sequence(size):
        parts = [activation_bytes(level) for level in size]
        return None if None in parts else sum(part or 0 for part in parts)
    return _FLOAT * math.prod(_of_one(axis) for axis in size)


def probe_of_size(size: Any) -> Any:
    """A size as a tensor of two batch sizes; None where it is not known."""
    if size is None:
        return None
    if _is_sequence(size):
        parts = tuple(probe_of_size(level) for level in size)
        return None if None in parts else parts
    first, second = (tuple(axis_number(axis, batch) for axis in size) for batch in BATCHES)
    return Probe(first, second, torch.float32)


def _is_sequence(size: Any) -> bool:
    return isinstance(size, tuple) and bool(size) and all(item is None or isinstance(item, tuple) for item in size)


def _of_one(axis: int | str) -> int:
    """An axis for a batch of one."""
    return max(axis_number(axis), 0)
