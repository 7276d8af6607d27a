"""Values of one sample as images: channels side by side, one channel, or a matrix; vectors stay numbers."""

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["BAD", "LOW_TO_HIGH", "MOST_TILES", "Sheet", "grown", "sheet_of"]

LOW_TO_HIGH = ((24, 20, 56), (44, 62, 132), (34, 122, 140), (76, 176, 110), (246, 222, 92))
"""Colours from low to high values; they also rise in brightness, for those who distinguish colours badly."""
BAD = (255, 0, 200)
"""The colour of NaN and of infinite numbers, which is none of the others."""
MOST_TILES = 64
"""So many channels are shown at once."""

_MOST_BARS = 512
_ROWS, _COLUMNS = 512, 1024
_CELL = 72
_WIDE = 1.4
_GAP = 2
_SIDE = 1024


@dataclass(frozen=True)
class Sheet:
    """Values as they are shown.

    Args:
        kind: ``tiles`` are channels side by side, ``map`` is one of them, ``matrix`` has rows, ``bars`` are numbers.
        image: A PNG file in base64; empty for ``bars``.
        width: Of the image, in pixels.
        height: Of the image.
        rows: Of the map or the matrix, in values; of ``tiles`` of each.
        columns: Likewise.
        channels: How many channels there are; 0 where there are none.
        first: The first channel that is shown.
        across: Of ``tiles`` how many lie side by side.
        cell: Of ``tiles`` width and height of each with the gap, in pixels.
        low: The value of the lowest colour, or of the lowest bar; None where nothing is finite, or each tile has its
            own.
        high: The highest.
        bars: The numbers; None for one that is not finite.
        left_out: How many values, rows or columns are not shown.
    """

    kind: str
    image: str = ""
    width: int = 0
    height: int = 0
    rows: int = 0
    columns: int = 0
    channels: int = 0
    first: int = 0
    across: int = 0
    cell: tuple[int, int] = (0, 0)
    low: float | None = None
    high: float | None = None
    bars: tuple[float | None, ...] = ()
    left_out: int = 0


def sheet_of(values: NDArray[Any], channel: int | None = None, first: int = 0) -> Sheet:
    """Show values of one sample.

    Args:
        values: Float32 of any shape: ``[C, H, W]`` are channels, what has more axes has as many of them; ``[N, D]`` is
            a matrix, ``[D]`` a vector.
        channel: The channel that is shown alone; None for all side by side, each from its own least to its own greatest
            value.
        first: The first channel of those that are shown side by side.
    """
    if values.ndim > len("CHW"):
        values = values.reshape(-1, *values.shape[-2:])
    if values.ndim < len("ND") or not values.size:
        return _bars(values.reshape(-1))
    if values.ndim == len("ND"):
        return _one(values[:_ROWS, :_COLUMNS], "matrix", values.size)
    count = len(values)
    if channel is not None or count == 1:
        place = min(max(channel or 0, 0), count - 1)
        found = _one(values[place], "map", values[place].size)
        return Sheet(**{**found.__dict__, "channels": count, "first": place})
    return _tiles(values, min(max(first, 0), count - 1))


def _bars(values: NDArray[Any]) -> Sheet:
    shown = values[:_MOST_BARS]
    low, high = _range(values)
    numbers = tuple(float(one) if math.isfinite(one) else None for one in shown)
    return Sheet("bars", columns=len(values), low=low, high=high, bars=numbers, left_out=len(values) - len(shown))


def _one(values: NDArray[Any], kind: str, total: int) -> Sheet:
    """One map, as large as fits, in whole pixels a value; of a very large one every n-th value."""
    height, width = values.shape
    shrink = math.ceil(max(height, width) / _SIDE)
    pixels = _coloured(values[::shrink, ::shrink])
    pixels = grown(pixels, max(1, _CELL * 4 // max(pixels.shape[:2])))
    low, high = _range(values)
    return Sheet(kind, *_png(pixels), height, width, low=low, high=high, left_out=total - values.size)


def _tiles(values: NDArray[Any], first: int) -> Sheet:
    count, height, width = values.shape
    shown = values[first : first + MOST_TILES]
    shrink = math.ceil(max(height, width) / (_CELL * 2))
    grow = max(1, _CELL // math.ceil(max(height, width) / shrink))
    cells = [grown(_coloured(one[::shrink, ::shrink]), grow) for one in shown]
    tall, wide = cells[0].shape[0] + _GAP, cells[0].shape[1] + _GAP
    across = min(_across(len(cells), math.sqrt(len(cells) * _WIDE * tall / wide)), max(1, _SIDE // wide))
    down = math.ceil(len(cells) / across)
    sheet = np.full((down * tall - _GAP, across * wide - _GAP, 3), 128, np.uint8)
    for place, cell in enumerate(cells):
        top, left = place // across * tall, place % across * wide
        sheet[top : top + tall - _GAP, left : left + wide - _GAP] = cell
    return Sheet("tiles", *_png(sheet), height, width, count, first, across, (wide, tall), left_out=count - len(shown))


def _across(count: int, wanted: float) -> int:
    """About as many columns as are wanted, so that few places stay empty."""
    near = range(max(1, round(wanted * 0.7)), max(1, round(wanted * 1.5)) + 1)
    return min(near, key=lambda columns: (-count % columns, abs(columns - wanted)))


def _coloured(values: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = _range(values)
    finite = np.isfinite(values)
    level = np.zeros(values.shape)
    if low is not None and high is not None and high > low:
        level[finite] = (values[finite].astype(np.float64) - low) / (high - low)
    places = np.linspace(0, 1, len(LOW_TO_HIGH))
    channels = [np.interp(level, places, [colour[place] for colour in LOW_TO_HIGH]) for place in range(3)]
    pixels = np.stack(channels, axis=-1).astype(np.uint8)
    pixels[~finite] = BAD
    return pixels


def _range(values: NDArray[Any]) -> tuple[float | None, float | None]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (None, None)


def grown(pixels: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Pixels [H, W, ...], each of them a square of so many."""
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def _png(pixels: NDArray[np.uint8]) -> tuple[str, int, int]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode(), pixels.shape[1], pixels.shape[0]
