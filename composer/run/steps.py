"""How a picture becomes an input of a declared size: steps where none are written, repairs of those that do not fit."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer.graph import Input, Preprocess
from composer.problems import Edit, Fix
from composer.run.geometry import fixed_size

__all__ = ["fitting_steps", "refitted"]

_CHANNELS: Mapping[Any, str] = {1: "gray", 3: "rgb"}
_MIDDLE = 127.5
"""Mean and deviation that bring 0-255 to -1 to 1, for weights of which nothing is known."""


def fitting_steps(shape: Sequence[int | str] | None) -> dict[str, Any] | None:
    """Steps that bring any picture to a shape, as a document has them; None where no picture fits it.

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
    """A repair of an input's steps after which every picture has its size; None where they fit, or where none can.

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
