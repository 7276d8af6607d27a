"""Masks of objects as arrays: polygons and run lengths, as COCO has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.run.geometry import Size

__all__ = ["object_mask", "object_masks"]

Bitmap = NDArray[np.uint8]


def object_masks(entries: Sequence[Any], size: Size) -> Bitmap:
    """The masks of an image's objects.

    Args:
        entries: One an object, as ``object_mask`` takes them.
        size: Height and width of the image.

    Returns:
        uint8 [N, H, W], 1 where the object is.

    Raises:
        ValueError: An entry is none of these, or is of another size.
    """
    found = np.zeros((len(entries), *size), np.uint8)
    for place, entry in enumerate(entries):
        found[place] = object_mask(entry, size)
    return found


def object_mask(entry: Any, size: Size) -> Bitmap:
    """The mask of one object.

    Args:
        entry: Polygons (a list of flat lists x y x y ... in pixels, whose areas are joined), run lengths (``size``
            and ``counts``, a list or COCO's text, down the columns, beginning with what is not the object), or an
            array [H, W].
        size: Height and width of the image.

    Raises:
        ValueError: It is none of these, or is of another size.
    """
    if isinstance(entry, Mapping):
        return _from_runs(entry, size)
    if isinstance(entry, np.ndarray) and entry.ndim == 2:
        if entry.shape != size:
            raise ValueError(f"found a mask of {list(entry.shape)} for an image of {list(size)} pixels")
        found: Bitmap = (entry != 0).astype(np.uint8)
        return found
    if not isinstance(entry, Sequence) or isinstance(entry, str | bytes):
        raise ValueError(f"found {type(entry).__name__}, expected polygons, run lengths or an array [H, W]")
    joined: Bitmap = np.zeros(size, np.uint8)
    for polygon in entry:
        joined |= _polygon(np.asarray(polygon, dtype=np.float64), size)
    return joined


def _polygon(flat: NDArray[np.float64], size: Size) -> Bitmap:
    """The pixels whose centres lie inside, by the even-odd rule."""
    if flat.ndim != 1 or len(flat) % 2 or not np.isfinite(flat).all():
        raise ValueError("found a polygon that is no list x y x y ... of numbers")
    height, width = size
    points = flat.reshape(-1, 2)
    crossings = np.zeros((height, width + 1), np.int32)
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        low, high = min(y1, y2), max(y1, y2)
        # Rows whose centre y + 0.5 lies in [low, high).
        first, last = max(int(np.ceil(low - 0.5)), 0), min(int(np.ceil(high - 0.5)), height)
        if first >= last:
            continue
        rows = np.arange(first, last)
        xs = x1 + (rows + 0.5 - y1) * (x2 - x1) / (y2 - y1)
        np.add.at(crossings, (rows, np.clip(np.ceil(xs - 0.5), 0, width).astype(np.int64)), 1)
    inside: Bitmap = (np.cumsum(crossings, axis=1)[:, :width] % 2).astype(np.uint8)
    return inside


def _from_runs(entry: Mapping[str, Any], size: Size) -> Bitmap:
    own = tuple(int(side) for side in entry.get("size", ()))
    if own != size:
        raise ValueError(f"found run lengths of {list(own)} for an image of {list(size)} pixels")
    counts = entry.get("counts")
    runs = _run_lengths(counts) if isinstance(counts, str | bytes) else np.asarray(counts, dtype=np.int64)
    if runs.ndim != 1 or (runs < 0).any() or int(runs.sum()) != size[0] * size[1]:
        raise ValueError(f"found run lengths that do not add up to {size[0]} x {size[1]} pixels")
    values = np.arange(len(runs), dtype=np.int64) % 2
    flat = np.repeat(values, runs).astype(np.uint8)
    return np.ascontiguousarray(flat.reshape(size[::-1]).T)


def _run_lengths(text: str | bytes) -> NDArray[np.int64]:
    """The run lengths of COCO's text: five bits a character, and from the third on differences to the last but one."""
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    runs: list[int] = []
    place = 0
    while place < len(data):
        value = shift = 0
        while True:
            if place == len(data):
                raise ValueError("found run lengths that are cut off")
            bits = data[place] - 48
            place += 1
            value |= (bits & 0x1F) << shift
            shift += 5
            if not bits & 0x20:
                break
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return np.array(runs, dtype=np.int64)
