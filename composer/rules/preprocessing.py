"""The rule about how images become inputs: as many channels as the input takes."""

from typing import Any

from composer.graph import Input, Preprocess
from composer.link import Scope
from composer.problems import Edit, Fix
from composer.rules.report import Path, Report, put

__all__ = ["check_preprocess"]

_COUNTS = {"gray": 1, "rgb": 3, "bgr": 3}
_BRIGHTNESS = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601), as images are made gray
_IMAGE = 4


def check_preprocess(report: Report, scope: Scope) -> None:
    """Report inputs that take another number of channels than their ``preprocess`` makes."""
    if scope.name:
        return
    for name, declared in scope.graph.inputs.items():
        steps, taken = declared.preprocess, _channels(declared)
        if steps is None or taken is None:
            continue
        numbers = steps.mean or steps.std
        made = _COUNTS.get(steps.channels, len(numbers) if numbers else taken)
        if made == taken:
            continue
        path: Path = ("inputs", name, "preprocess")
        text = f"preprocess makes {_many(made)} ({steps.channels}), the input takes {_many(taken)}"
        text += "" if taken in _COUNTS.values() else "; an image has 1 or 3, bands come as arrays (channels: bands)"
        fix = _fix(path, steps, taken)
        report.add("preprocess-channels", (*path, "channels"), f"inputs.{name}", text, fix, port=name)


def _channels(declared: Input) -> int | None:
    shape = declared.shape
    return shape[1] if shape is not None and len(shape) == _IMAGE and isinstance(shape[1], int) else None


def _many(count: int) -> str:
    return f"{count} channel{'' if count == 1 else 's'}"


def _fix(path: Path, steps: Preprocess, taken: int) -> Fix | None:
    """Other channels with numbers that mean the same: of gray images each of three is gray."""
    if taken == 1 and steps.channels in ("rgb", "bgr"):
        return _gray(path, steps)
    if taken == _COUNTS["rgb"] and steps.channels == "gray":
        numbers = {key: list(value) * taken for key in ("mean", "std") if (value := getattr(steps, key)) is not None}
        return _put(path, {"channels": "rgb", **numbers}, "three channels of one image: rgb, with ", steps.channels)
    if taken not in _COUNTS.values() and steps.mean is None and steps.std is None:
        changes = f"arrays in place of images, {steps.channels}"
        return put((*path, "channels"), "bands", "set channels to bands", changes)
    return None


def _gray(path: Path, steps: Preprocess) -> Fix:
    """Gray images; what they are normalised by is as bright as the three colours are."""
    shares = _BRIGHTNESS if steps.channels == "rgb" else _BRIGHTNESS[::-1]
    found: dict[str, Any] = {"channels": "gray"}
    for key in ("mean", "std"):
        values = getattr(steps, key)
        if values is not None:
            mixed = round(sum(share * value for share, value in zip(shares, values, strict=True)), 3)
            found[key] = [values[0] if len(set(values)) == 1 else mixed]
    changes = any(len(set(getattr(steps, key) or (0,))) > 1 for key in ("mean", "std"))
    what = "gray images, normalised by the brightness of the three colours: " if changes else "gray: "
    return _put(path, found, what, steps.channels)


def _put(path: Path, values: dict[str, Any], what: str, before: str) -> Fix:
    shown = ", ".join(f"{key} {value}" for key, value in values.items())
    edits = tuple(Edit((*(str(key) for key in path), key), value) for key, value in values.items())
    return Fix(f"{what}{shown}", edits, f"in place of {before}")
