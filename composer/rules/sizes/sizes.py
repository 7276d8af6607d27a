"""Sizes of what flows on a wire, for a batch of any size and in terms of the free sizes of the inputs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from composer.graph import Graph

__all__ = [
    "BATCHES",
    "FREE_SIZE",
    "PerImage",
    "Probe",
    "Shape",
    "axis_number",
    "changed_sizes",
    "free_sizes",
    "in_free_sizes",
    "probe_of",
    "shape_text",
    "tensor_of",
]


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
        return _axes(self.first, self.second)


@lru_cache(4096)
def _axes(first: tuple[int, ...], second: tuple[int, ...]) -> Shape:
    return first if len(first) != len(second) else tuple(map(_in_batches, first, second))


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


FREE_SIZE = 224
"""What a free size other than the batch (``H``, ``W``) is taken to be where the caller says nothing."""

OTHER_SIZE = 256
"""What one free size after the other is set to, to see what follows it."""


_MANY = 6
"""With more free sizes than this the graph is not inferred once more for each."""


def free_sizes(graph: Graph) -> set[str]:
    """Names of the sizes other than the batch that its inputs leave free."""
    entries = (*graph.inputs.values(), *graph.data_samples.values())
    return {size for entry in entries for size in entry.shape or () if isinstance(size, str) and size != "B"}


def changed_sizes(names: set[str]) -> dict[str, dict[str, int]]:
    """What to set free sizes to, to see what follows them: one name after the other, or all at once where many are."""
    if len(names) > _MANY:
        return {"": dict.fromkeys(names, OTHER_SIZE)}
    return {name: {name: OTHER_SIZE} for name in sorted(names)}


_AXIS = re.compile(r"~?(?P<times>[0-9]*)(?P<name>[A-Za-z_]\w*)?(/(?P<parts>[0-9]+))?(?P<more>[+-][0-9]+)?")


def axis_number(axis: int | str, batch: int = 1) -> int:
    """An axis as a number, where free sizes are ``FREE_SIZE``: 7 for ``H/32``.

    Args:
        axis: A size as ``Shapes`` writes it.
        batch: What ``B`` is.
    """
    if isinstance(axis, int):
        return axis
    match = _AXIS.fullmatch(axis)
    if match is None:
        return 1
    size = {None: 1, "B": batch}.get(match["name"], FREE_SIZE)
    return int(match["times"] or 1) * size // int(match["parts"] or 1) + int(match["more"] or 0)


def in_free_sizes(sizes: Any, others: Mapping[str, Any]) -> Any:
    """Sizes of a port in terms of the free sizes.

    Args:
        sizes: Its sizes where every free size is ``FREE_SIZE``: one shape, or a tuple of shapes; None if not known.
        others: For each entry of ``changed_sizes``, its sizes with that.

    Returns:
        The same with ``H``, ``H/32``, ``2H`` or ``H+1`` for what follows one of them, and ``~196`` for what follows
        them in another way.
    """
    if not isinstance(sizes, tuple):
        return sizes if sizes is None else _axis(sizes, others)
    alike = {name: other for name, other in others.items() if isinstance(other, tuple) and len(other) == len(sizes)}
    return tuple(
        in_free_sizes(size, {name: other[position] for name, other in alike.items()})
        for position, size in enumerate(sizes)
    )


def _axis(size: int | str, others: Mapping[str, Any]) -> int | str:
    changed = {name: other for name, other in others.items() if other is not None and other != size}
    if not changed:
        return size
    if len(changed) == 1 and isinstance(size, int):
        ((name, other),) = changed.items()
        if name and isinstance(other, int) and (found := _formula(name, size, other)):
            return found
    return f"~{size}"


def _formula(name: str, size: int, other: int) -> str | None:
    if size > 0 and size * OTHER_SIZE == other * FREE_SIZE and FREE_SIZE % size == 0:
        return name if size == FREE_SIZE else f"{name}/{FREE_SIZE // size}"
    slope, rest = divmod(other - size, OTHER_SIZE - FREE_SIZE)
    if rest or slope < 1:
        return None
    offset = size - slope * FREE_SIZE
    return f"{'' if slope == 1 else slope}{name}{f'{offset:+d}' if offset else ''}"
