"""Images in other sizes, to the pixel as OpenCV and Pillow make them.

OpenCV does not antialias. Its ``bilinear`` counts in whole numbers (OpenCV 4, modules/imgproc, resize: 11 bits for each
weight), and so does this one, to the last bit. ``bicubic`` (a = -0.75) and ``area`` count in fractions; OpenCV's own
order of summing rounds one value in some 3,000 to its other neighbour. Pillow's are Pillow's own.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from composer.run.geometry import Size

__all__ = ["resampled"]

Pixels = NDArray[np.uint8]
Weights = NDArray[np.float32]
Places = NDArray[np.int64]

_ONE = 2048  # a weight of 1 in OpenCV's whole numbers
_PILLOW: Mapping[str, Image.Resampling] = MappingProxyType(
    {
        "nearest": Image.Resampling.NEAREST,
        "bilinear": Image.Resampling.BILINEAR,
        "bicubic": Image.Resampling.BICUBIC,
        "lanczos": Image.Resampling.LANCZOS,
        "box": Image.Resampling.BOX,
        "hamming": Image.Resampling.HAMMING,
    }
)


def resampled(pixels: Pixels, size: Size, interpolation: str = "bilinear", backend: str = "cv2") -> Pixels:
    """An image in another size.

    Args:
        pixels: [C, H, W].
        size: The new height and width.
        interpolation: For ``cv2`` one of nearest, bilinear, bicubic and area; for ``pillow`` one of nearest, bilinear,
            bicubic, lanczos, box and hamming.
        backend: Whose pixels they are: ``cv2`` or ``pillow``.
    """
    if pixels.shape[1:] == size:
        return pixels
    if backend == "pillow":
        of_pillow = _PILLOW[interpolation]
        return np.stack([np.asarray(Image.fromarray(one).resize(size[::-1], of_pillow)) for one in pixels])
    make: Mapping[str, Callable[[Pixels, Size], Pixels]] = {
        "nearest": _nearest,
        "bilinear": _bilinear,
        "bicubic": _bicubic,
        "area": _area,
    }
    return np.stack([make[interpolation](one, size) for one in pixels])


def _nearest(one: Pixels, size: Size) -> Pixels:
    down, across = (
        np.minimum(np.floor(np.arange(new) * _step(old, new)).astype(np.int64), old - 1)
        for old, new in zip(one.shape, size, strict=True)
    )
    found: Pixels = one[down][:, across]
    return found


def _bilinear(one: Pixels, size: Size) -> Pixels:
    if one.shape == (2 * size[0], 2 * size[1]):
        return _halved(one)
    left, part = _between(one.shape[1], size[1])
    outside = (left < 0) | (left >= one.shape[1] - 1)
    part[outside] = 0
    return _linear(one, _between(one.shape[0], size[0]), (left.clip(0, one.shape[1] - 1), part))


def _linear(one: Pixels, down: tuple[Places, Weights], across: tuple[Places, Weights]) -> Pixels:
    """Between two neighbours down and across, in whole numbers."""
    height, width = one.shape
    wide = one.astype(np.int32)
    left, right = (_whole(weights) for weights in (1 - across[1], across[1]))
    row = wide[:, across[0]] * left + wide[:, (across[0] + 1).clip(0, width - 1)] * right
    above, below = (_whole(weights)[:, None] for weights in (1 - down[1], down[1]))
    first, second = (row[(down[0] + place).clip(0, height - 1)] >> 4 for place in (0, 1))
    quarters: NDArray[np.int32] = ((above * first) >> 16) + ((below * second) >> 16)
    return ((quarters + 2) >> 2).clip(0, 255).astype(np.uint8)


def _halved(one: Pixels) -> Pixels:
    """Half the size on both sides: the mean of four."""
    wide = one.astype(np.int32)
    four = wide[0::2, 0::2] + wide[1::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 1::2]
    return ((four + 2) >> 2).astype(np.uint8)


def _bicubic(one: Pixels, size: Size) -> Pixels:
    (down, rows), (across, columns) = (_cubic(old, new) for old, new in zip(one.shape, size, strict=True))
    wide = one.astype(np.float64)
    row = np.stack([wide[:, across[:, tap]] * columns[:, tap] for tap in range(4)]).sum(axis=0)
    return _levels(np.stack([row[down[:, tap]] * rows[:, tap, None] for tap in range(4)]).sum(axis=0))


def _cubic(old: int, new: int) -> tuple[Places, NDArray[np.float64]]:
    """Four neighbours of each new pixel, and their weights (Keys 1981, a = -0.75)."""
    sharp = -0.75
    centres = (np.arange(new) + 0.5) * _step(old, new) - 0.5
    place = np.floor(centres).astype(np.int64)
    far, near = centres - place, 1 - (centres - place)
    weights = [
        ((sharp * (far + 1) - 5 * sharp) * (far + 1) + 8 * sharp) * (far + 1) - 4 * sharp,
        ((sharp + 2) * far - (sharp + 3)) * far * far + 1,
        ((sharp + 2) * near - (sharp + 3)) * near * near + 1,
    ]
    weights.append(1 - weights[0] - weights[1] - weights[2])
    return (place[:, None] + np.arange(-1, 3)).clip(0, old - 1), np.stack(weights, axis=1)


def _area(one: Pixels, size: Size) -> Pixels:
    if one.shape == (2 * size[0], 2 * size[1]):
        return _halved(one)
    if one.shape[0] < size[0] or one.shape[1] < size[1]:
        down, across = (_stretched(old, new) for old, new in zip(one.shape, size, strict=True))
        return _linear(one, down, across)
    if one.shape[0] % size[0] == 0 and one.shape[1] % size[1] == 0:
        return _blocks(one, size)
    down_all, across_all = (_covered(old, new) for old, new in zip(one.shape, size, strict=True))
    return _levels(down_all @ (one.astype(np.float64) @ across_all.T))


def _blocks(one: Pixels, size: Size) -> Pixels:
    """The mean of whole blocks of pixels."""
    blocks = one.reshape(size[0], one.shape[0] // size[0], size[1], one.shape[1] // size[1])
    total = blocks.sum(axis=(1, 3), dtype=np.int64).astype(np.float32)
    return _levels(total * np.float32(1 / (blocks.shape[1] * blocks.shape[3])))


def _covered(old: int, new: int) -> NDArray[np.float64]:
    """How much each old pixel counts in each new one, by the share of it that it covers: [new, old]."""
    edges = np.arange(new + 1) * _step(old, new)
    begins, ends = edges[:-1, None], np.minimum(edges[1:, None], old)
    places = np.arange(old)
    covered = (np.minimum(ends, places + 1) - np.maximum(begins, places)).clip(0, None)
    covered[covered <= 1e-3] = 0
    return covered / (ends - begins)  # type: ignore[no-any-return]


def _stretched(old: int, new: int) -> tuple[Places, Weights]:
    """``area`` where an image grows: only at the edge between two old pixels both count."""
    place = np.floor(np.arange(new) * _step(old, new)).astype(np.int64)
    part = np.arange(1, new + 1) - (place + 1) * (new / old)
    part = np.where(part <= 0, 0, part - np.floor(part)).astype(np.float32)
    part[place >= old - 1] = 0
    return place.clip(0, old - 1), part


def _between(old: int, new: int) -> tuple[Places, Weights]:
    """The old pixel before the centre of each new one, and how far behind it that lies."""
    centres = ((np.arange(new) + 0.5) * _step(old, new) - 0.5).astype(np.float32)
    place = np.floor(centres)
    return place.astype(np.int64), centres - place


def _step(old: int, new: int) -> float:
    return 1 / (new / old)


def _whole(weights: Weights) -> NDArray[np.int32]:
    found: NDArray[np.int32] = np.rint(weights.astype(np.float32) * np.float32(_ONE)).astype(np.int32)
    return found


def _levels(values: NDArray[np.floating[Any]]) -> Pixels:
    found: Pixels = np.rint(values).clip(0, 255).astype(np.uint8)
    return found
