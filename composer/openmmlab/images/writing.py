"""The steps of ``preprocess`` as a pipeline of mmcv 2: the opposite of reading one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from composer.graph import Preprocess, thaw

__all__ = ["normalises_itself", "write_pipeline"]

_PACKING: Mapping[str, str] = MappingProxyType(
    {"mmdet": "PackDetInputs", "mmpretrain": "PackInputs", "mmselfsup": "PackSelfSupInputs"}
)
_SCOPES: Mapping[str, str] = MappingProxyType({"mmdet": "mmpretrain.", "mmpretrain": "", "mmselfsup": "mmcls."})
_LOADED = {"gray": "grayscale", "bands": "unchanged"}


def normalises_itself(steps: Preprocess) -> bool:
    """Whether a pipeline has to normalise images: what fills them up to a size is 0 behind it."""
    pad = steps.pad or {}
    return bool(pad) and "value" not in pad and "divisor" not in pad and steps.mean is not None


def write_pipeline(steps: Preprocess, package: str) -> list[dict[str, Any]]:
    """The transforms that prepare an image for testing.

    Args:
        steps: The steps.
        package: Whose names are used.
    """
    load = {"type": "LoadImageFromFile"}
    if steps.channels in _LOADED:
        load["color_type"] = _LOADED[steps.channels]
    found = [load, *_sizes(steps, _SCOPES[package])]
    pad = thaw(steps.pad or {})
    if normalises_itself(steps):
        found.append({"type": "Normalize", **_numbers(steps), "to_rgb": steps.channels == "rgb"})
        found.append(_pad(pad, 0))
    elif pad and ("value" in pad or "divisor" not in pad):
        value = pad.get("value", 0)
        if isinstance(value, float) and steps.channels in ("rgb", "bgr"):
            value = [value] * 3  # alone it would fill the first channel
        swapped = steps.channels == "rgb" and isinstance(value, list)
        found.append(_pad(pad, value[::-1] if swapped else value))
    return [*found, {"type": _PACKING[package]}]


def _numbers(steps: Preprocess) -> dict[str, Any]:
    count = len(steps.mean or steps.std or ())
    return {"mean": list(steps.mean or (0.0,) * count), "std": list(steps.std or (1.0,) * count)}


def _sizes(steps: Preprocess, scope: str) -> list[dict[str, Any]]:
    """The resize and the crop; sizes are width and height."""
    how: dict[str, Any] = {}
    if steps.interpolation != "bilinear":
        how["interpolation"] = steps.interpolation
    if steps.backend != "cv2":
        how["backend"] = steps.backend
    if steps.crop is not None and steps.crop_padding is not None:
        crop = {"type": f"{scope}EfficientNetCenterCrop", "crop_size": steps.crop[0]}
        return [{**crop, "crop_padding": steps.crop_padding, "interpolation": "bilinear", **how}]
    found = [] if steps.resize is None else [{**_resize(steps.resize, scope), **how}]
    if steps.crop is not None:
        height, width = steps.crop
        found.append({"type": "CenterCrop", "crop_size": height if height == width else [width, height]})
    return found


def _resize(resize: Any, scope: str) -> dict[str, Any]:
    if isinstance(resize, int):
        return {"type": f"{scope}ResizeEdge", "scale": resize, "edge": "short"}
    if isinstance(resize, Mapping):
        if "short" in resize:
            return {"type": "Resize", "scale": [resize["long"], resize["short"]], "keep_ratio": True}
        ((edge, length),) = resize.items()
        return {"type": f"{scope}ResizeEdge", "scale": length, "edge": edge}
    return {"type": "Resize", "scale": [resize[1], resize[0]]}


def _pad(pad: Mapping[str, Any], value: Any) -> dict[str, Any]:
    names = {"divisor": "size_divisor", "square": "pad_to_square", "size": "size"}
    found = {names[key]: item[::-1] if key == "size" else item for key, item in pad.items() if key != "value"}
    return {"type": "Pad", **found, "pad_val": {"img": value}}
