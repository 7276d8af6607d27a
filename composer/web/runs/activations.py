"""Activations as images: channels side by side, matrices as heat maps, values as histograms."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from composer.graph import Preprocess
from composer.rules.sizes.sizes import shape_text
from composer.web.runs.results import MAX_SIDE, Histogram, Pixels, TensorRow, Watched

__all__ = ["seen_by_model", "tensor_row", "watched"]

_CHANNELS = 64
_CELL = 72
_WIDE = 2.6
_GAP = 2
_BINS = 40
_LOW_TO_HIGH = np.array([[24, 20, 56], [44, 62, 132], [34, 122, 140], [76, 176, 110], [246, 222, 92]], np.float64)
"""Colours from low to high values; they also rise in brightness, for those who tell colours apart badly."""


def tensor_row(name: str, tensor: Tensor) -> TensorRow:
    """A tensor's size and numbers."""
    size = shape_text(tuple(tensor.shape))
    kind = str(tensor.dtype).removeprefix("torch.")
    values = tensor.detach().cpu().double()
    finite = values[values.isfinite()]
    if not finite.numel():
        return TensorRow(name=name, size=size, dtype=kind, strange=values.numel())
    return TensorRow(
        name=name,
        size=size,
        dtype=kind,
        low=float(finite.min()),
        high=float(finite.max()),
        mean=float(finite.mean()),
        std=float(finite.std(correction=0)),
        strange=values.numel() - finite.numel(),
    )


def watched(node: str, port: str, tensor: Tensor) -> Watched:
    """What a node put out for one sample.

    Args:
        node: Its path.
        port: The port.
        tensor: [1, ...], or a scalar.
    """
    sample = tensor[0] if tensor.ndim else tensor
    values = sample.float().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    image, caption = None, ""
    if values.ndim == 3 and values.numel():
        image, caption = Pixels.of(_grid(values[:_CHANNELS].numpy())), _channels_text(values)
    elif values.ndim == 2 and values.numel():
        image = Pixels.of(_coloured(values[:512, :1024].numpy()))
        caption = f"{values.shape[0]} rows of {values.shape[1]} values, from the lowest (dark) to the highest."
    histogram = _histogram(values.numpy()) if values.numel() > 1 else None
    row = tensor_row(port, tensor)
    return Watched(node=node, port=port, tensor=row, image=image, caption=caption, histogram=histogram)


def seen_by_model(tensor: Tensor, steps: Preprocess) -> tuple[Pixels, int]:
    """The image that an input [1, C, H, W] holds, and by how much it is made smaller to be shown."""
    sample = tensor[0].detach().float().cpu()
    for numbers, combine in ((steps.std, torch.mul), (steps.mean, torch.add)):
        if numbers is not None:
            sample = combine(sample, torch.tensor(numbers).view(-1, 1, 1))
    if steps.channels == "bgr":
        sample = sample.flip(0)
    factor = math.ceil(max(sample.shape[1:]) / (MAX_SIDE // 2))
    levels = sample.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)[::factor, ::factor].numpy()
    return Pixels.of(levels[:, :, 0] if levels.shape[2] == 1 else levels), factor


def _channels_text(values: Tensor) -> str:
    count = len(values)
    shown = f"The first {_CHANNELS} of {count} channels" if count > _CHANNELS else f"{count} channels"
    if count == 1:
        return f"One channel of {values.shape[1]} x {values.shape[2]}, from its lowest (dark) to its highest value."
    return f"{shown} of {values.shape[1]} x {values.shape[2]}, each from its lowest (dark) to its highest value."


def _grid(maps: NDArray[Any]) -> NDArray[np.uint8]:
    """Channels [C, H, W] side by side, small ones made larger."""
    count, height, width = maps.shape
    shrink = math.ceil(max(height, width) / (_CELL * 3))
    maps = maps[:, ::shrink, ::shrink]
    grow = max(1, _CELL // max(maps.shape[1:]))
    cells = np.stack([_coloured(item) for item in maps]).repeat(grow, axis=1).repeat(grow, axis=2)
    tall, wide = cells.shape[1] + _GAP, cells.shape[2] + _GAP
    columns = min(_columns(count, math.sqrt(count * _WIDE * tall / wide)), max(1, MAX_SIDE // wide))
    rows = min(math.ceil(count / columns), max(1, MAX_SIDE // tall))
    sheet = np.full((rows * tall - _GAP, columns * wide - _GAP, 3), 128, np.uint8)
    for position, cell in enumerate(cells[: rows * columns]):
        top, left = position // columns * tall, position % columns * wide
        sheet[top : top + tall - _GAP, left : left + wide - _GAP] = cell
    return sheet


def _columns(count: int, wanted: float) -> int:
    """About as many columns as are wanted, so that few places stay empty."""
    near = range(max(1, round(wanted * 0.7)), max(1, round(wanted * 1.5)) + 1)
    return min(near, key=lambda columns: (-count % columns, abs(columns - wanted)))


def _coloured(values: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    level = np.zeros(values.shape) if high <= low else (values.astype(np.float64) - low) / (high - low)
    places = np.linspace(0, 1, len(_LOW_TO_HIGH))
    channels = [np.interp(level, places, _LOW_TO_HIGH[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def _histogram(values: NDArray[Any]) -> Histogram:
    counts, edges = np.histogram(values.astype(np.float64), bins=_BINS)
    return Histogram(edges=edges.tolist(), counts=counts.tolist())
