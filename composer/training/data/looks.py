"""One look at a sample: its image decoded and hashed, its boxes and maps held against the image and the classes."""

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from composer.problems import GraphError
from composer.run.images import decode
from composer.training.data.samples import Source

__all__ = ["Look", "look", "map_of"]

_LARGEST = 2**28
"""A file with more bytes is hashed and decoded apart, so that it is never in memory whole."""

_CHUNK = 2**20
_EDGE = 1.0
_NOTHING = 255
"""In maps: a pixel of no class."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a sample.

    Args:
        index: Which one.
        digest: Of the image's file or pixels; empty where it could not be read.
        size: Height and width of the image, upright; None where it could not be read.
        faults: What cannot be read, in words.
        label: Its class; None where it has none, or several.
        boxes: How many boxes have no area, reach out of the image, or have a label that is no class.
        counts: Objects by class, or pixels in a map.
    """

    index: int
    digest: bytes = b""
    size: tuple[int, int] | None = None
    faults: tuple[str, ...] = ()
    label: int | None = None
    boxes: Mapping[str, int] = field(default_factory=dict)
    counts: NDArray[np.int64] | None = None


def look(source: Source, index: int) -> Look:
    """Look at a sample: everything is decoded."""
    try:
        sample = source[index]
    except GraphError as error:
        return Look(index, faults=_texts(error))
    size, digest, faults = _image(sample, source.name(index))
    count = len(source.classes)
    boxes, counts = _boxes(sample, size, count)
    if "seg_map" in sample:
        counts, own, more = _map(sample["seg_map"], size, count, source.name(index))
        faults, boxes = (*faults, *more), {**boxes, **own}
    label = sample.get("label")
    whole = int(label) if isinstance(label, int | np.integer) else None
    return Look(index, digest, size, faults, whole, boxes, counts)


def map_of(value: Any, label: str) -> NDArray[np.integer[Any]]:
    """A segmentation map as an array [H, W]: of an image with a palette the numbers, not the colours.

    Raises:
        GraphError: It cannot be read.
        ValueError: It is none.
    """
    if isinstance(value, np.ndarray):
        found = value
    else:
        decode(value, "gray", label)  # refuses what is too large or broken, in the words of all images
        with Image.open(io.BytesIO(value) if isinstance(value, bytes) else value) as image:
            found = np.asarray(image)
    if found.ndim != 2 or found.dtype.kind not in "iub":
        raise ValueError(f"found {found.dtype} {list(found.shape)}, expected one whole number a pixel")
    return found


def _image(sample: Mapping[str, Any], name: str) -> tuple[tuple[int, int] | None, bytes, tuple[str, ...]]:
    raw = sample.get("image")
    if raw is None:
        return None, b"", ()
    try:
        digest, raw = _hashed(raw)
        image = decode(raw, "bands" if _is_bands(raw) else "rgb", name)
    except GraphError as error:
        return None, b"", _texts(error)
    except OSError as error:
        return None, b"", (f"it cannot be read: {error.strerror or error}",)
    size = image.shape[:2] if isinstance(image, np.ndarray) else (image.height, image.width)
    return (int(size[0]), int(size[1])), digest, ()


def _is_bands(raw: Any) -> bool:
    return isinstance(raw, np.ndarray) and raw.ndim == 3 and raw.shape[2] not in (1, 3, 4)


def _hashed(raw: Any) -> tuple[bytes, Any]:
    """A hash of an image, and what to decode: the bytes of its file, which is read once."""
    if isinstance(raw, np.ndarray):
        shaped = hashlib.blake2b(repr((raw.shape, raw.dtype.str)).encode(), digest_size=16)
        shaped.update(np.ascontiguousarray(raw).data)
        return shaped.digest(), raw
    if isinstance(raw, Image.Image):
        return hashlib.blake2b(raw.tobytes(), digest_size=16).digest(), raw
    if isinstance(raw, bytes):
        return hashlib.blake2b(raw, digest_size=16).digest(), raw
    if os.stat(raw).st_size <= _LARGEST:
        with open(raw, "rb") as file:
            data = file.read()
        return hashlib.blake2b(data, digest_size=16).digest(), data
    hashed = hashlib.blake2b(digest_size=16)
    with open(raw, "rb") as file:
        while data := file.read(_CHUNK):
            hashed.update(data)
    return hashed.digest(), raw


def _boxes(
    sample: Mapping[str, Any], size: tuple[int, int] | None, classes: int
) -> tuple[dict[str, int], NDArray[np.int64] | None]:
    """Faults of boxes, and objects by class."""
    found: dict[str, int] = {}
    counts = None
    if "boxes" in sample:
        boxes = np.asarray(sample["boxes"], dtype=np.float64).reshape(-1, 4)
        finite = np.isfinite(boxes).all(axis=1)
        found["no area"] = int((~finite | (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])).sum())
        if size is not None:
            limits = np.array([size[1], size[0]]) + _EDGE
            outside = (boxes[:, :2] < -_EDGE).any(axis=1) | (boxes[:, 2:] > limits).any(axis=1)
            found["outside"] = int((outside & finite).sum())
    if "box_labels" in sample:
        labels = np.asarray(sample["box_labels"], dtype=np.int64).reshape(-1)
        wrong = (labels < 0) | (labels >= classes) if classes else labels < 0
        found["no class"] = int(wrong.sum())
        counts = np.bincount(labels[~wrong], minlength=classes).astype(np.int64)
    return found, counts


def _map(
    value: Any, size: tuple[int, int] | None, classes: int, name: str
) -> tuple[NDArray[np.int64] | None, dict[str, int], tuple[str, ...]]:
    """Pixels by class of a map, and what is wrong with it."""
    try:
        numbers = map_of(value, f"map of {name}").astype(np.int64)
    except GraphError as error:
        return None, {}, tuple(f"its map: {text}" for text in _texts(error))
    except (OSError, ValueError) as error:
        return None, {}, (f"its map: {error}",)
    faults: tuple[str, ...] = ()
    if size is not None and numbers.shape != size:
        faults = (f"its map is {list(numbers.shape)}, and the image {list(size)} (height, width)",)
    kept = numbers[numbers != _NOTHING]
    wrong = (kept < 0) | (kept >= classes) if classes else kept < 0
    counts = np.bincount(kept[~wrong], minlength=classes).astype(np.int64)
    return counts, {"no class": int(wrong.any())}, faults


def _texts(error: GraphError) -> tuple[str, ...]:
    return tuple(problem.message for problem in error.problems)
