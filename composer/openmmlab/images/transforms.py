"""Transforms of OpenMMLab's pipelines, each as the steps of ``preprocess`` that it is.

Numbers mean what the package means: sizes are width and height in mmcv 2, height and width in mmcls 0.x and mmdet 2.x.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from composer.openmmlab.images.reading import Reading, Settings
from composer.openmmlab.plain import plain

__all__ = ["PACKING", "TRANSFORMS", "Transform", "normalise"]

Transform = Callable[[Reading, str, str, Settings], None]
"""Reads a transform into the reading: its place, its name and its settings."""

_RESIZE = frozenset(
    {
        *("type", "scale", "img_scale", "size", "scale_factor", "keep_ratio", "interpolation", "backend", "edge"),
        *("adaptive_side", "multiscale_mode", "ratio_range", "clip_object_border", "bbox_clip_border", "override"),
        *("max_size", "antialias"),
    }
)
_BACKENDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cv2": ("nearest", "bilinear", "bicubic", "area"),
        "pillow": ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"),
    }
)
_OF_PILLOW = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
_LOADING = ("type", "backend_args", "file_client_args", "ignore_empty", "to_float32", "color_type", "imdecode_backend")


def load(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """An image as mmcv decodes it: BGR, upright."""
    reading.settings(place, kind, given, _LOADING)
    color = given.get("color_type", "color")
    reading.colour = "gray" if color == "grayscale" else "bgr"
    if color not in ("color", "grayscale"):
        text = f"color_type={plain(color)!r:.40} is not read: images are turned upright, with three channels"
        reading.tell(place, text)
    if given.get("to_float32"):
        reading.tell(place, "to_float32 is not read: resized images are rounded to whole levels")


def resize(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """Resizing: ``Resize`` of mmcv, mmcls and mmdet, ``ResizeEdge``, ``ResizeShortestEdge``, torchvision's."""
    reading.settings(place, kind, given, _RESIZE)
    found = _size(reading, place, kind, given)
    if found is not None:
        how = _how(reading, place, kind, given)
        reading.take(place, kind, "resize", {"resize": found, **how} if found else {})


def _size(reading: Reading, place: str, kind: str, given: Settings) -> Any:
    """What ``preprocess.resize`` says of it; empty where images keep their size, None where it cannot say it."""
    if reading.of_torchvision or kind.startswith("torchvision/"):
        found = _of_torchvision(given)
    elif "scale_factor" in given and "scale" not in given:
        found = {} if _is_one(given["scale_factor"]) else None
    elif kind == "ResizeEdge":
        found = _edge(given.get("scale"), given.get("edge", "short"))
    elif kind == "ResizeShortestEdge":
        found = _bounds([_least(given.get("scale")), given.get("max_size")])
    elif "size" in given:
        found = _of_mmcls(given["size"], given.get("adaptive_side", "short"))
    else:
        found = _of_mmcv(reading, given)
    if found is None:
        shown = {key: plain(value) for key, value in given.items() if key != "type"}
        reading.tell(place, f"{kind} with {shown!r:.120} is no resize of preprocess: images are not resized by it")
    return found


def _of_mmcv(reading: Reading, given: Settings) -> Any:
    """``Resize`` by a scale, width and height; in mmdet 2.x it keeps the ratio unless it says not to."""
    old = "img_scale" in given or ("scale" not in given and reading.scale is not None)
    scale = plain(given.get("scale", given.get("img_scale", reading.scale)))
    if isinstance(scale, list) and len(scale) == 1:
        scale = scale[0]
    if old and _is_one(scale):
        return {}
    pair = [scale, scale] if _is_side(scale) else scale
    if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_side, pair)):
        return None
    return _bounds(pair) if given.get("keep_ratio", old) else [pair[1], pair[0]]


def _of_mmcls(size: Any, edge: Any) -> Any:
    """Height and width; one number for both, and -1 for a width that keeps the ratio."""
    pair = [size, size] if _is_side(size) else plain(size)
    if not isinstance(pair, list) or len(pair) != 2 or not _is_side(pair[0]):
        return None
    if pair[1] == -1:
        return _edge(pair[0], edge)
    return pair if _is_side(pair[1]) else None


def _of_torchvision(given: Settings) -> Any:
    """One number for the shorter edge, or height and width."""
    size = plain(given.get("size"))
    if given.get("max_size") is not None:
        return None
    if isinstance(size, list) and len(size) == 1:
        size = size[0]
    if _is_side(size):
        return size
    return size if isinstance(size, list) and len(size) == 2 and all(map(_is_side, size)) else None


def _edge(length: Any, edge: Any) -> Any:
    if not _is_side(length):
        return None
    return {"short": length, "long": {"long": length}, "height": {"height": length}, "width": {"width": length}}.get(
        str(edge)
    )


def _bounds(pair: list[Any]) -> Any:
    return {"short": min(pair), "long": max(pair)} if all(map(_is_side, pair)) else None


def _least(scale: Any) -> Any:
    found = plain(scale)
    return min(found) if isinstance(found, list) and found and all(map(_is_side, found)) else found


def fixed_scale(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """``FixScaleResize``: sizes are rounded down where ``Resize`` rounds to the nearest."""
    resize(reading, place, kind, given)
    if given.get("keep_ratio"):
        reading.tell(place, f"{kind} rounds sizes down, preprocess to the nearest: they may differ by one pixel")


def centre_crop(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """``CenterCrop``: width and height in mmcv 2, height and width in mmcls and torchvision."""
    if given.get("efficientnet_style"):
        efficientnet_crop(reading, place, kind, given)
        return
    known = ("type", "crop_size", "size", "efficientnet_style", "crop_padding", "interpolation", "backend")
    reading.settings(place, kind, given, (*known, "auto_pad", "pad_cfg", "clip_object_border"))
    size = plain(given.get("crop_size", given.get("size")))
    pair = [size, size] if _is_side(size) else size
    if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_side, pair)):
        reading.tell(place, f"found the size {size!r:.60} of {kind}, expected one number or two: nothing is cut out")
        return
    if given.get("auto_pad"):
        reading.tell(place, "auto_pad is not read: an image that is smaller than the crop is refused")
    reading.take(place, kind, "crop", {"crop": pair if pair[0] == pair[1] or _of_old(reading, kind) else pair[::-1]})


def _of_old(reading: Reading, kind: str) -> bool:
    """Whether sizes are height and width."""
    return reading.height_first or reading.of_torchvision or kind.startswith("torchvision/")


def efficientnet_crop(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """A crop by the share of the shorter edge, then resized (mmpretrain ``EfficientNetCenterCrop``)."""
    known = ("type", "crop_size", "crop_padding", "interpolation", "backend", "efficientnet_style")
    reading.settings(place, kind, given, known)
    size, padding = given.get("crop_size"), given.get("crop_padding", 32)
    if not _is_side(size) or type(padding) is not int or padding < 0:
        reading.tell(place, f"found crop_size={plain(size)!r:.40} and crop_padding={plain(padding)!r:.40}: not read")
        return
    usual = "bilinear" if given.get("efficientnet_style") else "bicubic"
    how = _how(reading, place, kind, {"interpolation": usual, **given})
    before = [step for step in ("resize", "crop") if step in reading.done]
    if before:
        reading.tell(place, f"{kind} comes after a {before[0]}, and preprocess has one: it is left out")
        return
    reading.done.append("resize")
    reading.take(place, kind, "crop", {"crop": [size, size], "crop_padding": padding, **how})


def pad(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """``Pad``: below and on the right; size is width and height in mmcv 2, height and width in mmdet 2.x."""
    known = ("type", "size", "size_divisor", "pad_to_square", "pad_val", "padding_mode", "masks", "seg_pad_val")
    reading.settings(place, kind, given, known)
    found = _padding(reading, given)
    value = given.get("pad_val", 0)
    value = plain(value.get("img", 0) if isinstance(value, Mapping) else value)
    numbers = value if isinstance(value, list) else [value]
    good = all(type(one) in (int, float) for one in numbers) and len(numbers) in (1, 3)
    if found is None or not good or given.get("padding_mode", "constant") != "constant":
        shown = {key: plain(item) for key, item in given.items() if key != "type"}
        reading.tell(place, f"{kind} with {shown!r:.120} is no pad of preprocess: images are not padded by it")
        return
    if found.get("divisor") == 1:
        return
    alone = not isinstance(value, list) and (reading.height_first or type(value) is float)
    if alone and reading.colour != "gray":
        numbers = [value, 0, 0]  # OpenCV fills the first channel with a number alone, as in YOLOX of mmdet 2.x
    same = numbers[0] if all(one == numbers[0] for one in numbers) else numbers
    reading.pad_colour = reading.colour
    reading.padded_after = "normalise" in reading.done
    if reading.padded_after:
        reading.done.remove("normalise")  # the value is translated, so that the order makes no difference
        reading.take(place, kind, "pad", {"pad": found, "pad_value": same})
        reading.done.append("normalise")
    else:
        reading.take(place, kind, "pad", {"pad": found, "pad_value": same})


def _padding(reading: Reading, given: Settings) -> dict[str, Any] | None:
    size, divisor = plain(given.get("size")), given.get("size_divisor")
    if given.get("pad_to_square"):
        return {"square": True} if divisor is None else None
    if divisor is not None:
        return {"divisor": divisor} if _is_side(divisor) else None
    if not isinstance(size, list) or len(size) != 2 or not all(map(_is_side, size)):
        return None
    return {"size": size if reading.height_first else size[::-1]}


def normalise(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """``Normalize``: of mmcv, which turns BGR to RGB unless it says not to, or of torchvision."""
    reading.settings(place, kind, given, ("type", "mean", "std", "to_rgb", "inplace"))
    for key in ("mean", "std"):
        value = plain(given.get(key))
        numbers = value if isinstance(value, list) else [value]
        if not numbers or not all(type(one) in (int, float) for one in numbers):
            reading.tell(f"{place}.{key}", f"found {value!r:.60}, expected one number a channel: it is not read")
        else:
            reading.numbers[key] = [reading.level(one) for one in numbers]
    own = reading.of_torchvision or kind.startswith("torchvision/")
    if not own and given.get("to_rgb", True):
        reading.colour = {"bgr": "rgb", "rgb": "bgr"}.get(str(reading.colour), reading.colour)  # type: ignore[assignment]
    reading.take(place, kind, "normalise", {})


def flip(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """``RandomFlip``, which does nothing where a wrapper settles it or its share is 0."""
    share = given.get("prob", given.get("flip_ratio", given.get("p", 0)))
    if not reading.flips and share not in (None, 0, 0.0):
        reading.tell(place, f"{kind} flips images at random: they are not flipped")


def to_tensor(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """Torchvision's ``ToTensor``, after which values are from 0 to 1; that of a field (``keys``) changes no image."""
    if "keys" not in given:
        reading.unit = True


def to_pil(reading: Reading, place: str, kind: str, given: Settings) -> None:
    """``NumpyToPIL`` and ``PILToNumpy``: the image in another form, and perhaps in another order."""
    if given.get("to_rgb") or given.get("to_bgr"):
        reading.colour = {"bgr": "rgb", "rgb": "bgr"}.get(str(reading.colour), reading.colour)  # type: ignore[assignment]


def _how(reading: Reading, place: str, kind: str, given: Settings) -> dict[str, Any]:
    """Interpolation and backend, where they are not the usual ones."""
    own = reading.of_torchvision or kind.startswith("torchvision/")
    backend = "pillow" if own else str(given.get("backend", "cv2"))
    written = given.get("interpolation", "bilinear")
    interpolation = _OF_PILLOW.get(written, "") if type(written) is int else str(written).rpartition(".")[2].lower()
    if interpolation not in _BACKENDS.get(backend, ()):
        text = (
            f"interpolation={plain(written)!r:.40} with backend={backend!r:.40} is not read: bilinear of cv2 is taken"
        )
        reading.tell(place, text)
        return {}
    found = {} if interpolation == "bilinear" else {"interpolation": interpolation}
    return found if backend == "cv2" else {**found, "backend": backend}


def _is_side(value: Any) -> bool:
    return type(value) is int and 0 < value < 10**6


def _is_one(value: Any) -> bool:
    numbers = value if isinstance(value, list | tuple) else [value]
    return bool(numbers) and all(type(one) in (int, float) and one == 1 for one in numbers)


TRANSFORMS: Mapping[str, Transform] = MappingProxyType(
    {
        "LoadImageFromFile": load,
        "LoadImageFromNDArray": load,
        "LoadImage": load,
        "Resize": resize,
        "ResizeEdge": resize,
        "ResizeShortestEdge": resize,
        "torchvision/Resize": resize,
        "FixScaleResize": fixed_scale,
        "CenterCrop": centre_crop,
        "torchvision/CenterCrop": centre_crop,
        "EfficientNetCenterCrop": efficientnet_crop,
        "Pad": pad,
        "Normalize": normalise,
        "torchvision/Normalize": normalise,
        "RandomFlip": flip,
        "ToTensor": to_tensor,
        "torchvision/ToTensor": to_tensor,
        "NumpyToPIL": to_pil,
        "PILToNumpy": to_pil,
    }
)
"""By type; torchvision's by its name in mmpretrain's configs."""

PACKING = frozenset(
    {
        "Collect",
        "DefaultFormatBundle",
        "FilterAnnotations",
        "ImageToTensor",
        "LoadAnnotations",
        "LoadEmptyAnnotations",
        "LoadPanopticAnnotations",
        "LoadProposals",
        "LoadTextAnnotations",
        "LoadTrackAnnotations",
        "PackClsInputs",
        "PackDetInputs",
        "PackInputs",
        "PackMultiTaskInputs",
        "PackReIDInputs",
        "PackSelfSupInputs",
        "PackTrackInputs",
        "ToDataContainer",
        "Transpose",
        "WrapFieldsToLists",
        "torchvision/PILToTensor",
    }
)
"""Transforms that change no pixel."""
