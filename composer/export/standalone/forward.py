"""The arguments of a stand-alone model's forward."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["named_inputs", "sample_fields"]


def named_inputs(inputs: Any, names: Sequence[str]) -> Mapping[str, Any]:
    """The inputs by name, from one tensor, a sequence in order, or a mapping."""
    if isinstance(inputs, Mapping):
        return inputs
    given = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if len(given) > len(names):
        raise ValueError(f"found {len(given)} inputs, expected {len(names)}: {', '.join(names)}")
    return dict(zip(names, given, strict=False))


def sample_fields(
    data_samples: Any, names: Sequence[str], lists: Sequence[str] = (), device: torch.device | None = None
) -> list[Any]:
    """Fields of the data samples, batched: from a mapping, or from a list with one mapping a sample.

    Args:
        data_samples: The data samples.
        names: The fields.
        lists: Those that hold one entry an image and are never stacked.
        device: Where numbers go.
    """
    if data_samples is None:
        data_samples = {}
    if isinstance(data_samples, Sequence):
        data_samples = {name: [sample[name] for sample in data_samples] for name in names}
    for name in names:
        if name not in data_samples:
            raise ValueError(f"data_samples has no {name!r}, it has {', '.join(data_samples) or 'nothing'}")
    return [data_samples[name] if name in lists else _batched(data_samples[name], device) for name in names]


def _batched(value: Any, device: torch.device | None) -> Any:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(item, Tensor) for item in value):
        return torch.stack([*value])
    return torch.as_tensor(value, device=device)
