"""Geometry of samples: the image moves, and boxes, masks and the map of classes go with it.

Boxes are cut off where the image ends, and one of which less than a pixel is left goes, with its label and its mask.
Gaps are filled with a colour in the image, with 0 in masks, and with 255 (which losses disregard) in maps of classes.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from composer.run.geometry import Size
from composer.training.augment.sample import Sample
from composer.training.augment.step import PILLOW

__all__ = ["Matrix", "colour", "crop", "flip", "kept", "nearest", "pad", "resize", "transform"]

Matrix = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: the new pixel (x, y) shows the old one at (a x + b y + c, d x + e y + f)."""

Area = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_LEAST = 1.0  # pixels that must be left of a box on both sides
_NO_CLASS = 255


def colour(image: Image.Image, fill: Sequence[int]) -> Any:
    """A colour as Pillow wants it for an image: one level, or one a channel."""
    if image.mode != "RGB":
        gray = sum(fill) / len(fill)
        return round(gray)
    return tuple(fill) if len(fill) == len("RGB") else (fill[0],) * len("RGB")


def resize(sample: Sample, size: Size, interpolation: str = "bilinear", area: Area | None = None) -> Sample:
    """The sample, or an area of it, in another size.

    Args:
        sample: The sample.
        size: New height and width.
        interpolation: One of Pillow's; masks and maps take the nearest pixel.
        area: What of the image is shown, in its pixels.
    """
    height, width = sample.image_size
    left, top, right, bottom = area or (0.0, 0.0, float(width), float(height))
    whole = (left, top, right, bottom) == (0, 0, width, height)
    if whole and (height, width) == size:
        return sample.with_image(sample.image, size)
    across, down = size[1] / (right - left), size[0] / (bottom - top)
    box = None if whole else (left, top, right, bottom)
    image = _resized(sample.image, size, PILLOW[interpolation], box)
    if sample.plain:
        return Sample(image, size)
    boxes = sample.boxes
    if boxes is not None:
        moved = (boxes - np.array([left, top, left, top])) * np.array([across, down, across, down])
        boxes = moved.astype(np.float32)
    found = replace(
        sample,
        image=image,
        size=size,
        boxes=boxes,
        masks=None if sample.masks is None else _stack(sample.masks, size, box),
        seg_map=None if sample.seg_map is None else nearest(sample.seg_map, size, box),
    )
    return found if boxes is None or whole else kept(found)


def crop(sample: Sample, top: int, left: int, height: int, width: int) -> Sample:
    """A part of the sample that lies inside it."""
    if (top, left, height, width) == (0, 0, *sample.image_size):
        return sample
    area = np.s_[top : top + height, left : left + width]
    image = sample.image
    cut = image[area] if isinstance(image, np.ndarray) else image.crop((left, top, left + width, top + height))
    if sample.plain:
        return Sample(cut, (height, width))
    found = replace(
        sample,
        image=cut,
        size=(height, width),
        boxes=None if sample.boxes is None else sample.boxes - np.array([left, top, left, top], np.float32),
        masks=None if sample.masks is None else sample.masks[:, area[0], area[1]],
        seg_map=None if sample.seg_map is None else sample.seg_map[area],
    )
    return found if sample.boxes is None else kept(found)


def pad(sample: Sample, sides: tuple[int, int, int, int], fill: Sequence[int], mode: str = "constant") -> Sample:
    """The sample with pixels around it.

    Args:
        sample: The sample.
        sides: How many on the left, above, on the right, below.
        fill: Their colour.
        mode: ``constant``, ``reflect`` (the edge is not repeated), ``symmetric`` or ``edge``.
    """
    left, top, right, bottom = sides
    if not any(sides):
        return sample
    height, width = sample.image_size
    size = (height + top + bottom, width + left + right)
    image = sample.image
    padded: Any
    if mode == "constant" and isinstance(image, Image.Image):
        padded = Image.new(image.mode, size[::-1], colour(image, fill))
        padded.paste(image, (left, top))
    else:
        levels = np.asarray(image)
        margins = [(top, bottom), (left, right), (0, 0)][: levels.ndim]
        options: dict[str, Any] = {"constant_values": round(sum(fill) / len(fill))} if mode == "constant" else {}
        padded = np.pad(levels, margins, mode=mode, **options)  # type: ignore[call-overload]
        padded = padded if isinstance(image, np.ndarray) else Image.fromarray(padded)
    if sample.plain:
        return Sample(padded, size)
    around = [(top, bottom), (left, right)]
    masks, seg_map = sample.masks, sample.seg_map
    return replace(
        sample,
        image=padded,
        size=size,
        boxes=None if sample.boxes is None else sample.boxes + np.array([left, top, left, top], np.float32),
        masks=None if masks is None else np.pad(masks, [(0, 0), *around]),
        seg_map=None if seg_map is None else np.pad(seg_map, around, constant_values=_NO_CLASS),
    )


def flip(sample: Sample, *, vertical: bool = False) -> Sample:
    """The sample mirrored, left to right or top to bottom."""
    height, width = sample.image_size
    axis, end = (0, height) if vertical else (1, width)
    image = sample.image
    way = Image.Transpose.FLIP_TOP_BOTTOM if vertical else Image.Transpose.FLIP_LEFT_RIGHT
    mirrored = np.flip(image, axis) if isinstance(image, np.ndarray) else image.transpose(way)
    if sample.plain:
        return Sample(mirrored, (height, width))
    boxes = sample.boxes
    if boxes is not None:
        low, high = (1, 3) if vertical else (0, 2)
        boxes = boxes.copy()
        boxes[:, low], boxes[:, high] = end - sample.boxes[:, high], end - sample.boxes[:, low]  # type: ignore[index]
    return replace(
        sample,
        image=mirrored,
        boxes=boxes,
        masks=None if sample.masks is None else np.flip(sample.masks, axis + 1),
        seg_map=None if sample.seg_map is None else np.flip(sample.seg_map, axis),
    )


def transform(sample: Sample, matrix: Matrix, fill: Sequence[int], interpolation: str = "nearest") -> Sample:
    """The sample through an affine map; it keeps its size. A box becomes the one around its moved corners.

    Args:
        sample: The sample.
        matrix: From new pixels to old ones.
        fill: The colour of what shows nothing of the image.
        interpolation: ``nearest``, ``bilinear`` or ``bicubic``.
    """
    size = sample.image_size
    image = sample.image
    moved: Any
    if isinstance(image, np.ndarray):
        bands = [Image.fromarray(np.ascontiguousarray(image[..., band])) for band in range(image.shape[2])]
        moved = np.stack([np.asarray(_moved(band, matrix, colour(band, fill), interpolation)) for band in bands], -1)
    else:
        moved = _moved(image, matrix, colour(image, fill), interpolation)
    masks, seg_map = sample.masks, sample.seg_map
    if masks is not None:
        each = [np.asarray(_moved(Image.fromarray(one), matrix, 0, "nearest")) for one in _contiguous(masks)]
        masks = np.stack(each) if each else masks
    if seg_map is not None:
        plain = Image.fromarray(np.ascontiguousarray(seg_map))
        seg_map = np.asarray(_moved(plain, matrix, _NO_CLASS, "nearest"))
    found = replace(sample, image=moved, size=size, masks=masks, seg_map=seg_map)
    if sample.boxes is None:
        return found
    return kept(replace(found, boxes=_around(sample.boxes, matrix)))


def kept(sample: Sample, which: NDArray[np.bool_] | None = None) -> Sample:
    """The sample with its boxes cut off at its edges, without those of which less than a pixel is left.

    Args:
        sample: A sample with boxes.
        which: The boxes that stay, of those that are large enough; all by default.
    """
    if sample.boxes is None:
        return sample
    height, width = sample.image_size
    boxes = np.clip(sample.boxes, 0, np.array([width, height, width, height], np.float32))
    stay = ((boxes[:, 2:] - boxes[:, :2]) >= _LEAST).all(axis=1)
    stay = stay if which is None else stay & which
    if stay.all():
        return replace(sample, boxes=boxes)
    return replace(
        sample,
        boxes=boxes[stay],
        box_labels=None if sample.box_labels is None else sample.box_labels[stay],
        masks=None if sample.masks is None else sample.masks[stay],
    )


def _around(boxes: NDArray[np.float32], matrix: Matrix) -> NDArray[np.float32]:
    """The boxes around what becomes of each box's corners."""
    a, b, c, d, e, f = matrix
    forward = np.linalg.inv(np.array([[a, b], [d, e]]))
    corners = np.stack([boxes[:, [0, 2, 0, 2]], boxes[:, [1, 1, 3, 3]]], axis=-1).astype(np.float64)
    moved = (corners - np.array([c, f])) @ forward.T
    found = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
    return found.astype(np.float32)


def _moved(image: Image.Image, matrix: Matrix, fill: Any, interpolation: str) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=PILLOW[interpolation], fillcolor=fill)


def _resized(image: Any, size: Size, how: Image.Resampling, box: Area | None) -> Any:
    if isinstance(image, np.ndarray):
        bands = [Image.fromarray(np.ascontiguousarray(image[..., band])) for band in range(image.shape[2])]
        return np.stack([np.asarray(band.resize(size[::-1], how, box)) for band in bands], axis=-1)
    return image.resize(size[::-1], how, box)


def nearest(levels: Any, size: Size, box: Area | None) -> Any:
    """An array [H, W], or an area of it, in another size, each pixel the nearest one."""
    plain = Image.fromarray(np.ascontiguousarray(levels))
    return np.asarray(plain.resize(size[::-1], Image.Resampling.NEAREST, box))


def _stack(masks: NDArray[np.uint8], size: Size, box: Area | None) -> NDArray[np.uint8]:
    each = [nearest(one, size, box) for one in masks]
    return np.stack(each) if each else np.zeros((0, *size), np.uint8)


def _contiguous(masks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(masks)
