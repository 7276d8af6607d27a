"""The sizes of an image on its way to an input, as ``preprocess`` says; no pixel is looked at.

The rounding is OpenMMLab's: mmcv ``rescale_size``, mmpretrain ``ResizeEdge``, ``CenterCrop`` and
``EfficientNetCenterCrop``, mmdet ``Pad``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from composer.graph import Input, Preprocess
from composer.problems import Edit, Fix

__all__ = [
    "Box",
    "Frame",
    "Size",
    "fitting_steps",
    "fixed_size",
    "middle",
    "middle_share",
    "padded_size",
    "refitted",
    "resized_size",
]

Size = tuple[int, int]
"""Height and width."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an image lies in the input that was made of it.

    Args:
        image: Height and width of the image, upright.
        size: Height and width of the part of the input that shows the image; below it and on its right is padding.
        padded: Height and width of the input.
        scale: Pixels of the input for one of the image: down, across.
        origin: What was cut off, in pixels of the image: above, on the left.
    """

    image: Size
    size: Size
    padded: Size
    scale: tuple[float, float]
    origin: tuple[float, float]

    def in_image(self, box: Box) -> Box:
        """A box of the input in pixels of the image, cut off where the image ends."""
        (down, across), (above, left), (height, width) = self.scale, self.origin, self.image
        xs = [min(max(x / across + left, 0.0), float(width)) for x in box[::2]]
        ys = [min(max(y / down + above, 0.0), float(height)) for y in box[1::2]]
        return xs[0], ys[0], xs[1], ys[1]


def resized_size(image: Size, resize: Any) -> Size:
    """The size after the step ``resize``."""
    height, width = image
    if resize is None:
        return image
    if isinstance(resize, Mapping):
        return _by_edges(image, resize)
    if isinstance(resize, int):
        shorter = min(image)
        return resize * height // shorter, resize * width // shorter
    return resize[0], resize[1]


def _by_edges(image: Size, resize: Mapping[str, int]) -> Size:
    height, width = image
    if "short" in resize:
        factor = min(resize["long"] / max(image), resize["short"] / min(image))
        return int(height * factor + 0.5), int(width * factor + 0.5)
    ((edge, length),) = resize.items()
    whole = {"long": max(image), "height": height, "width": width}[edge]
    return length * height // whole, length * width // whole


def middle(image: Size, crop: Size) -> Size:
    """How far down and across a crop of the middle begins."""
    return round((image[0] - crop[0]) / 2), round((image[1] - crop[1]) / 2)


def middle_share(image: Size, crop: Size, padding: int) -> tuple[Size, Size]:
    """Where a crop of the middle begins and how large it is, by the share of the shorter edge.

    Args:
        image: The size of the image.
        crop: To what the crop is resized afterwards.
        padding: The crop is ``crop / (crop + padding)`` of the shorter edge.
    """
    sides = [side / (side + padding) * min(image) for side in crop]
    begins = [max(0, round((whole - side) / 2)) for whole, side in zip(image, sides, strict=True)]
    ends = [
        min(whole, begin + int(side))
        for whole, begin, side in zip(image, begins, map(_at_least_one, sides), strict=True)
    ]
    return (begins[0], begins[1]), (ends[0] - begins[0], ends[1] - begins[1])


def _at_least_one(side: float) -> float:
    return max(side, 1.0)


def padded_size(size: Size, pad: Mapping[str, Any] | None) -> Size:
    """The size after the step ``pad``; what is larger than ``pad.size`` keeps its size."""
    if pad is None:
        return size
    if pad.get("square"):
        return max(size), max(size)
    if pad.get("size") is not None:
        return max(size[0], pad["size"][0]), max(size[1], pad["size"][1])
    height, width = (math.ceil(side / pad["divisor"]) * pad["divisor"] for side in size)
    return height, width


def fixed_size(steps: Preprocess) -> Size | None:
    """The size that every image has after the steps; None where it depends on the image."""
    resize, pad = steps.resize, steps.pad
    if pad is not None and pad.get("size") is not None:
        return pad["size"][0], pad["size"][1]
    if steps.crop is not None:
        return padded_size(steps.crop, pad)
    if isinstance(resize, tuple):
        return padded_size(resize, pad)
    if isinstance(resize, Mapping) and pad is not None and pad.get("square"):
        one = resize.get("long") if set(resize) == {"long"} or resize.get("short") == resize.get("long") else None
        return (one, one) if one is not None else None
    return None


_CHANNELS: Mapping[Any, str] = {1: "gray", 3: "rgb"}
_MIDDLE = 127.5
"""Mean and deviation that bring 0-255 to -1 to 1, for weights of which nothing is known."""


def fitting_steps(shape: Sequence[int | str] | None) -> dict[str, Any] | None:
    """Steps that bring any image to a shape, as a document has them; None where no image fits it.

    Args:
        shape: [B, C, H, W] of the input; None where nothing is declared.
    """
    shape = ("B", 3, "H", "W") if shape is None else shape
    if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] not in _CHANNELS):
        return None
    channels = _CHANNELS[shape[1]] if isinstance(shape[1], int) else "rgb"
    count = 1 if channels == "gray" else 3
    size = _size(shape)
    steps: dict[str, Any] = {} if size is None else {"resize": size}
    return steps | {"channels": channels, "mean": [_MIDDLE] * count, "std": [_MIDDLE] * count}


def refitted(name: str, entry: Input) -> Fix | None:
    """A repair of an input's steps after which every image has its size; None where they fit, or where none can.

    The step that comes last is mended, so that what is written before it stays where it can.

    Args:
        name: The input.
        entry: What is declared of it.
    """
    steps, shape = entry.preprocess, entry.shape
    wanted = None if shape is None or len(shape) != 4 else _size(shape)
    if steps is None or wanted is None:
        return None
    changed = _other_size(steps, wanted)
    words = [
        f"remove inputs.{name}.preprocess.{key}" if value is None else f"set inputs.{name}.preprocess.{key} to {value}"
        for key, value in changed.items()
    ]
    edits = [Edit(("inputs", name, "preprocess", key), value, remove=value is None) for key, value in changed.items()]
    return Fix(", ".join(words), tuple(edits)) if changed else None


def _size(shape: Sequence[int | str]) -> list[int] | None:
    """Height and width; a free one is as long as the other; None where both are free."""
    numbers = [size for size in shape[2:] if isinstance(size, int)]
    return [size if isinstance(size, int) else numbers[0] for size in shape[2:]] if numbers else None


def _other_size(steps: Preprocess, wanted: list[int]) -> dict[str, Any]:
    """What to change: the crop, where it is out of enough, or else the resize; nothing where the size is right."""
    if isinstance(steps.resize, Mapping) or steps.pad is not None or steps.crop_padding is not None:
        return _without_padding(steps, wanted)
    shorter = [steps.resize] * 2 if isinstance(steps.resize, int) else list(steps.resize or (0, 0))
    enough = shorter[0] >= wanted[0] and shorter[1] >= wanted[1]
    if steps.crop is None and shorter == wanted and not isinstance(steps.resize, int):
        return {}
    if steps.crop is not None and list(steps.crop) == wanted and enough:
        return {}
    if enough and (steps.crop is not None or isinstance(steps.resize, int)):
        return {"crop": wanted}
    return {"resize": wanted} if steps.crop is None else {"resize": wanted, "crop": None}


def _without_padding(steps: Preprocess, wanted: list[int]) -> dict[str, Any]:
    """What to change of steps that keep the ratio, pad, or crop before they resize."""
    if fixed_size(steps) == tuple(wanted):
        return {}
    dropped = {"pad": None} if steps.pad is not None else {}
    if steps.crop_padding is not None:
        return {"crop": wanted, **dropped}
    return {"resize": wanted, **({"crop": None} if steps.crop is not None else {}), **dropped}
