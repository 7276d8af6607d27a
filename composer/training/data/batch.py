"""A batch, and how samples become one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from composer.problems import GraphError, Problem, Where
from composer.run.geometry import Frame
from composer.run.images import Normalisation

__all__ = ["Batch", "Item", "collate"]

_NO_CLASS = 255
_TINY = 2**14  # numbers of an image


@dataclass
class Item:
    """One sample as a batch takes it.

    Args:
        inputs: Tensors without the axis of the batch, by input.
        samples: The fields, by name: a tensor, or a number.
        index: Which sample of the data it is.
        name: What messages call it.
        frame: Where the image lies in its input; None where there is no image.
    """

    inputs: dict[str, Tensor]
    samples: dict[str, Any]
    index: int
    name: str
    frame: Frame | None = None


@dataclass
class Batch:
    """What one step gets.

    Args:
        inputs: The inputs of the graph, [B, ...] each.
        samples: The fields of the data samples; lists where there is one tensor an image.
        indices: Which samples of the data these are.
        names: What messages call them.
        epoch: Counted from 0.
        step: Counted from 0 over the whole training.
        skipped: Names of samples that could not be read, in whose place others stand.
        frames: Where each image lies in its input; empty where there are no images.
    """

    inputs: dict[str, Tensor]
    samples: dict[str, Any]
    indices: list[int]
    names: list[str]
    epoch: int = 0
    step: int = 0
    skipped: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.indices)

    def to(self, device: torch.device | str, memory_format: torch.memory_format | None = None) -> "Batch":
        """The batch on a device; copies from pinned memory do not wait.

        Args:
            device: The device.
            memory_format: How inputs of four axes lie in memory.
        """

        def moved(value: Any) -> Any:
            return value.to(device, non_blocking=True) if isinstance(value, Tensor) else value

        found = self._map(moved)
        if memory_format is not None:
            found.inputs = {
                name: value.contiguous(memory_format=memory_format) if value.dim() == len("BCHW") else value
                for name, value in found.inputs.items()
            }
        return found

    def pin_memory(self) -> "Batch":
        """The batch in memory that a GPU can read by itself."""
        return self._map(lambda value: value.pin_memory() if isinstance(value, Tensor) else value)

    def parts(self, count: int) -> "list[Batch]":
        """The batch in parts of about equal size, in order, none of them empty: for accumulation.

        Args:
            count: How many parts; fewer where there are fewer samples.
        """
        bounds = [len(self) * part // count for part in range(count + 1)]
        return [self._cut(begin, end) for begin, end in pairwise(bounds) if end > begin]

    def _cut(self, begin: int, end: int) -> "Batch":
        whole = len(self)

        def cut(value: Any) -> Any:
            sized = isinstance(value, Tensor) and value.dim() > 0
            return value[begin:end] if (sized or isinstance(value, list)) and len(value) == whole else value

        return replace(
            self,
            inputs={name: cut(value) for name, value in self.inputs.items()},
            samples={name: cut(value) for name, value in self.samples.items()},
            indices=self.indices[begin:end],
            names=self.names[begin:end],
            frames=self.frames[begin:end],
            skipped=self.skipped if begin == 0 else [],
        )

    def _map(self, change: Any) -> "Batch":
        def each(value: Any) -> Any:
            return [change(one) for one in value] if isinstance(value, list) else change(value)

        kept = {item.name: getattr(self, item.name) for item in fields(self)}
        kept["inputs"] = {name: each(value) for name, value in self.inputs.items()}
        kept["samples"] = {name: each(value) for name, value in self.samples.items()}
        return Batch(**kept)


def collate(
    items: Sequence[Item],
    kinds: Mapping[str, str],
    normalisations: Mapping[str, Normalisation],
    *,
    epoch: int,
    step: int,
    skipped: Sequence[str] = (),
) -> Batch:
    """Make a batch of samples.

    Images of several sizes are padded below and on the right with 0, which is the mean, to the largest height and
    width; masks of objects with them.

    Args:
        items: The samples, at least one.
        kinds: What fields hold of places in images: ``boxes``, ``box_labels`` and ``masks`` stay a list of one tensor
            a sample; ``masks`` and ``seg_map`` are padded as images are, a ``seg_map`` with 255.
        normalisations: What is left to do with the levels of image inputs.
        epoch: Counted from 0.
        step: Counted from 0.
        skipped: Names of samples that were left out.

    Raises:
        GraphError: Values of an input or a field have different sizes and cannot be padded.
    """
    problems: list[Problem] = []
    inputs: dict[str, Tensor] = {}
    samples: dict[str, Any] = {}
    for name in items[0].inputs:
        values = [item.inputs[name] for item in items]
        finish = normalisations.get(name)
        if finish is None:
            inputs[name] = _stacked(values, f"inputs.{name}", items, problems)
        elif len({(value.shape, value.dtype) for value in values}) == 1:
            inputs[name] = _finished(values, finish)
        else:
            inputs[name] = _stacked([finish(value) for value in values], f"inputs.{name}", items, problems)
    sizes = [value.shape[-2:] for value in inputs.values() if value.dim() == len("BCHW")]
    for name in items[0].samples:
        found = [item.samples[name] for item in items]
        kind = kinds.get(name, "")
        if kind in ("masks", "seg_map"):
            found = [_padded(value, sizes[0], _NO_CLASS if kind == "seg_map" else 0) for value in found]
        if kind and kind != "seg_map":
            samples[name] = found
        elif isinstance(found[0], Tensor):
            samples[name] = _stacked(found, f"data_samples.{name}", items, problems)
        else:
            samples[name] = torch.tensor(found)
    if problems:
        raise GraphError(problems)
    frames = [item.frame for item in items if item.frame is not None]
    indices, names = [item.index for item in items], [item.name for item in items]
    return Batch(inputs, samples, indices, names, epoch, step, list(skipped), frames)


def _finished(values: Sequence[Tensor], finish: Normalisation) -> Tensor:
    """Images of one size: tiny ones together, large ones one by one, as they fit the cache."""
    if values[0].numel() <= _TINY:
        return finish(torch.stack(list(values)))
    batch = torch.empty(len(values), *values[0].shape)
    for value, place in zip(values, batch, strict=True):
        finish(value, out=place)
    return batch


def _stacked(values: Sequence[Tensor], subject: str, items: Sequence[Item], problems: list[Problem]) -> Tensor:
    shapes = {value.shape for value in values}
    if len(shapes) == 1:
        return torch.stack(list(values))
    if all(value.dim() == len("CHW") for value in values) and len({value.shape[0] for value in values}) == 1:
        size = torch.Size([max(value.shape[1] for value in values), max(value.shape[2] for value in values)])
        return torch.stack([_padded(value, size) for value in values])
    other = next(place for place, value in enumerate(values) if value.shape != values[0].shape)
    text = f"found {list(values[0].shape)} of {items[0].name} and {list(values[other].shape)} of {items[other].name}; "
    text += "the samples of a batch have one size"
    problems.append(Problem("image-size", Where(subject), text))
    return values[0][None]


def _padded(value: Tensor, size: torch.Size, fill: int = 0) -> Tensor:
    """With more pixels below and on the right."""
    down, across = size[0] - value.shape[-2], size[1] - value.shape[-1]
    return F.pad(value, (0, across, 0, down), value=fill) if down or across else value
