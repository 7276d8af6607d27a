"""The annotations of an image (boxes, masks, class map): from raw values, and in the pixels of an input."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from composer.problems import GraphError, Problem, Where
from composer.run.geometry import Frame
from composer.training.augment import Sample, geometry
from composer.training.augment.object_masks import object_masks

__all__ = ["objects_in", "with_objects"]

_NO_CLASS = 255


def with_objects(sample: Sample, row: Mapping[str, Any], columns: Mapping[str, str], label: str) -> Sample:
    """The sample with what a row holds of it.

    Args:
        sample: The image, as large as in its file.
        row: Raw values by column.
        columns: The column of ``boxes``, ``box_labels``, ``masks`` and ``seg_map``, of those that there are.
        label: What messages call the sample.

    Raises:
        GraphError: They do not fit the image or each other.
    """
    found: dict[str, Any] = {}
    try:
        if "boxes" in columns:
            found["boxes"] = np.array(row[columns["boxes"]], dtype=np.float32).reshape(-1, 4)
        if "box_labels" in columns:
            found["box_labels"] = np.array(row[columns["box_labels"]], dtype=np.int64).reshape(-1)
        if "masks" in columns:
            found["masks"] = object_masks(row[columns["masks"]], sample.image_size)
        if "seg_map" in columns:
            found["seg_map"] = _seg_map(row[columns["seg_map"]])
    except (ValueError, TypeError, OSError) as error:
        raise GraphError(Problem("bad-data", Where(label), str(error))) from error
    counts = {kind: len(value) for kind, value in found.items() if kind != "seg_map"}
    if len(set(counts.values())) > 1:
        text = "found " + ", ".join(f"{count} {kind}" for kind, count in counts.items()) + "; expected one an object"
        raise GraphError(Problem("bad-data", Where(label), text))
    if "seg_map" in found and found["seg_map"].shape != sample.image_size:
        text = f"found a map of {list(found['seg_map'].shape)} for an image of {list(sample.image_size)} pixels"
        raise GraphError(Problem("bad-data", Where(label), text))
    return replace(sample, **found)


def objects_in(frame: Frame, sample: Sample, *, drop: bool) -> dict[str, Tensor]:
    """What lies on an image, in the pixels of the input that was made of it.

    Args:
        frame: Where the image lies in the input.
        sample: The image before that.
        drop: Whether objects of which less than a pixel is left go; else all stay, cut off at the edges.

    Returns:
        ``boxes`` float32 [n, 4], ``box_labels`` int64 [n], ``masks`` uint8 [n, H, W], ``seg_map`` int64 [H, W], of
        those that there are.
    """
    height, width = frame.size
    down, across = frame.scale
    top, left = frame.origin
    area = (left, top, left + width / across, top + height / down)
    found: dict[str, Tensor] = {}
    stay = slice(None)
    boxes = sample.boxes
    if boxes is not None:
        moved = (boxes - (left, top, left, top)) * (across, down, across, down)
        placed = np.clip(moved, 0, (width, height, width, height)).astype(np.float32)
        keep = ((placed[:, 2:] - placed[:, :2]) >= 1).all(axis=1) if drop else np.ones(len(placed), bool)
        found["boxes"] = torch.from_numpy(placed[keep])
        stay = keep  # type: ignore[assignment]
    if sample.box_labels is not None:
        found["box_labels"] = torch.from_numpy(sample.box_labels[stay])
    if sample.masks is not None:
        masks = sample.masks[stay]
        layers = [_fitted(one, frame, area, 0) for one in masks]
        found["masks"] = torch.from_numpy(np.stack(layers) if layers else np.zeros((0, *frame.padded), np.uint8))
    if sample.seg_map is not None:
        found["seg_map"] = torch.from_numpy(_fitted(sample.seg_map, frame, area, _NO_CLASS)).long()
    return found


def _fitted(levels: NDArray[Any], frame: Frame, area: tuple[float, float, float, float], fill: int) -> NDArray[Any]:
    """A map of the image as the input shows it, each pixel the nearest one."""
    whole = (0.0, 0.0, float(levels.shape[1]), float(levels.shape[0]))
    own = levels if area == whole and levels.shape == frame.size else geometry.nearest(levels, frame.size, area)
    sides = [(0, frame.padded[0] - frame.size[0]), (0, frame.padded[1] - frame.size[1])]
    return np.pad(own, sides, constant_values=fill)


def _seg_map(value: Any) -> NDArray[Any]:
    """A map of classes: the indices of an image with a palette, its levels, or an array."""
    if isinstance(value, str | Path):
        with Image.open(value) as image:
            levels = np.array(image)
    else:
        levels = np.asarray(value)
    if levels.ndim != 2 or not (np.issubdtype(levels.dtype, np.integer) or levels.dtype == bool):
        raise ValueError(f"found a map of {levels.dtype} {list(levels.shape)}, expected one class a pixel: [H, W]")
    return levels.astype(np.uint8 if levels.dtype == bool or levels.dtype == np.uint8 else np.int32)
