"""Colours of images beside those of inputs."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from composer.graph import Graph
from composer.problems import Problem, Where
from composer.rules.report import where_of
from composer.training.data.samples import Source

__all__ = ["channel_problems", "channels_of"]

_LOOKED_AT = 8
_GRAY = ("1", "L", "I", "I;16", "I;16B", "I;16L", "F", "LA", "La")


def channel_problems(graph: Graph, source: Source, inputs: Mapping[str, str]) -> Iterator[Problem]:
    """What the first images and the inputs make of colours: changes are reported, and what cannot be changed.

    Args:
        graph: The graph.
        source: The samples.
        inputs: The column of each input.
    """
    count = min(len(source), _LOOKED_AT)
    rows = [source[index * len(source) // count] for index in range(count)]
    for name, column in inputs.items():
        steps = graph.inputs[name].preprocess
        found = {number for row in rows if (number := channels_of(row.get(column))) is not None}
        if steps is None or len(found) != 1:
            continue
        (number,) = found
        where = where_of(graph, ("inputs", name, "preprocess"), f"inputs.{name}.preprocess", port=name)
        if steps.channels == "bands":
            yield from _bands(graph.inputs[name].shape, [row[column] for row in rows], number, where)
        elif steps.channels == "gray" and number == 3:
            text = "images with colours become gray for this input ('channels: gray')"
            yield Problem("data-channels", where, text, severity="notice")
        elif steps.channels != "gray" and number == 1:
            text = f"gray images become three equal channels for this input ('channels: {steps.channels}')"
            yield Problem("data-channels", where, text, severity="notice")


def _bands(shape: tuple[int | str, ...] | None, raws: list[Any], number: int, where: Where) -> Iterator[Problem]:
    """Whether arrays have as many channels as an input of bands takes."""
    expected = shape[1] if shape is not None and len(shape) == len("BCHW") else None
    if not all(isinstance(raw, np.ndarray) for raw in raws):
        text = "it takes bands, which image files do not have; expected arrays of uint8 [H, W, C] in memory"
        yield Problem("bad-image", where, text)
    elif isinstance(expected, int) and expected != number:
        yield Problem("bad-image", where, f"it takes {expected} bands, and the arrays of the data have {number}")


def channels_of(raw: Any) -> int | None:
    """Channels of an image by the head of its file: 1 or 3; of an array its own; None where it cannot be said."""
    if isinstance(raw, np.ndarray):
        return 1 if raw.ndim == 2 else int(raw.shape[-1])
    if isinstance(raw, Image.Image):
        return 1 if raw.mode in _GRAY else 3
    if raw is None:
        return None
    try:
        with Image.open(io.BytesIO(raw) if isinstance(raw, bytes) else Path(raw)) as image:
            return 1 if image.mode in _GRAY else 3
    except Exception:  # noqa: BLE001 - a damaged file may make a decoder raise anything; it is reported when it is read
        return None
