"""``data_preprocessor`` of a config as an input's ``preprocess``, and back."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from composer.graph import FrozenDict, Preprocess, freeze, thaw
from composer.openmmlab.images.pipelines import PipelineSteps
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain, same
from composer.run.geometry import fixed_size, padded_size

__all__ = [
    "PREPROCESSORS",
    "SECOND",
    "USUAL_SIZE",
    "Origin",
    "beyond_preprocess",
    "image_size",
    "is_known_preprocessor",
    "join_pipeline",
    "read_preprocess",
    "read_second_preprocess",
    "second_padding",
    "strange_settings",
    "write_preprocess",
]

PREPROCESSORS = (
    "ClsDataPreprocessor",
    "DetDataPreprocessor",
    "ImgDataPreprocessor",
    "SelfSupDataPreprocessor",
    "TwoNormDataPreprocessor",
    "CAEDataPreprocessor",
    "RelativeLocDataPreprocessor",
    "RotationPredDataPreprocessor",
)
"""Types of ``data_preprocessor`` whose settings are known."""

SECOND = ("second_mean", "second_std")
"""Settings of a ``data_preprocessor`` about the second of two images."""

USUAL_SIZE = 224
"""Height and width of images where nothing says them: ImageNet's."""

_TWO_NORMS = "TwoNormDataPreprocessor"
_FROM_A_TENTH = {"mean": (-31.875,) * 3, "std": (318.75,) * 3}  # 0-255 as 0.1 to 0.9, which DALL-E's tokenizer takes

_CIFAR_MEANS = ((125.307, 122.961, 113.8575), (129.304, 124.07, 112.434))  # CIFAR-10 and -100
_SWAPS_CHANNELS = ("to_rgb", "bgr_to_rgb")
_NUMBERS = ("mean", "std")
_SETTINGS = {"type", "_scope_", *_NUMBERS, *_SWAPS_CHANNELS, "pad_size_divisor", "pad_value", "batch_augments"}
_SETTINGS |= {"num_classes", "to_onehot", "non_blocking", "pad_mask", "mask_pad_value", "pad_seg", "seg_pad_value"}
_SETTINGS |= {"boxtype2tensor", "rgb_to_bgr"}
_COLORS = 3
_EXPECTED = {"mean": "a number", "std": "a number above 0"}
_IMAGENET_RESIZE = 256
_SMALL_IMAGES = {"ResNet_CIFAR": 32, "LeNet5": 32}


def image_size(kind: str, img_size: Any) -> tuple[int, int]:
    """Height and width of the images that a backbone is made for.

    Args:
        kind: Type of the backbone.
        img_size: What it says itself, one number or two; anything else stands for the usual size of its data set: 32
            for CIFAR's, 224 for ImageNet's.
    """
    sizes = [img_size] * 2 if type(img_size) is int else img_size
    if isinstance(sizes, list | tuple) and len(sizes) == 2 and all(type(size) is int and size > 0 for size in sizes):
        return sizes[0], sizes[1]
    usual = _SMALL_IMAGES.get(kind, USUAL_SIZE)
    return usual, usual


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of images before ``data_preprocessor`` sees them.

    Args:
        colour: The order of their channels; None where it is not known.
        channels: How many the network takes.
    """

    colour: Literal["bgr", "rgb", "gray"] | None = None
    channels: int = _COLORS


def read_preprocess(
    config: Mapping[str, Any], size: tuple[int, int] | None, origin: Origin | None = None
) -> Preprocess:
    """How an image becomes an input, where a config has no pipeline that says its size.

    Images are resized to the size, but for 224 their shorter edge to 256 and the middle is cut out, as in OpenMMLab's
    test pipelines for ImageNet.

    Args:
        config: ``data_preprocessor``.
        size: Height and width; None leaves images as they are.
        origin: What the images are before.
    """
    origin = origin or Origin()
    usual = size == (USUAL_SIZE, USUAL_SIZE)
    steps = Preprocess(
        resize=_IMAGENET_RESIZE if usual else size,
        crop=size if usual else None,
        channels=_channels(config, origin),
        mean=_numbers(config, "mean", origin),
        std=_numbers(config, "std", origin),
    )
    return replace(steps, pad=_padding(config, steps))


def join_pipeline(config: Mapping[str, Any], found: PipelineSteps, origin: Origin) -> Preprocess:
    """How an image becomes an input by a pipeline and the ``data_preprocessor`` behind it.

    Args:
        config: ``data_preprocessor``; empty where there is none.
        found: The pipeline.
        origin: What the images are behind the pipeline.
    """
    own = {"mean": found.mean, "std": found.std}
    numbers = {key: list(value) for key, value in own.items() if value is not None}
    steps = read_preprocess({**config, **numbers}, None, origin)
    sizes = {key: value for key, value in found.steps.items() if key not in ("pad", "pad_value")}
    steps = replace(steps, pad=None, **{key: freeze(value) for key, value in sizes.items()})
    pads = [pad for pad in (_pipeline_padding(found, steps), _padding(config, steps)) if pad is not None]
    return replace(steps, pad=pads[0] if pads else None)


def second_padding(config: Mapping[str, Any], steps: Preprocess) -> bool:
    """Whether ``data_preprocessor`` pads in a way that comes on top of what the pipeline pads."""
    own = _padding(config, steps)
    if own is None or steps.pad is None or own == steps.pad:
        return False
    size = fixed_size(steps)
    return size is None or padded_size(size, own) != size


def _pipeline_padding(found: PipelineSteps, steps: Preprocess) -> FrozenDict | None:
    """The padding of a pipeline, with its value on the scale to 255 and in the order of the input's channels."""
    if "pad" not in found.steps:
        return None
    value = found.steps.get("pad_value", 0)
    if found.padded_after:
        return _filled(found.steps["pad"], value, steps)
    if isinstance(value, list) and {found.pad_colour, steps.channels} == {"bgr", "rgb"}:
        value = value[::-1]
    normal = steps.mean is None and value == 0
    return FrozenDict(freeze(found.steps["pad"] if normal else {**found.steps["pad"], "value": value}))


def _padding(config: Mapping[str, Any], steps: Preprocess) -> FrozenDict | None:
    """The padding of ``data_preprocessor``, which fills what is normalised already."""
    divisor = config.get("pad_size_divisor")
    if type(divisor) is not int or divisor < 2:
        return None
    value = config.get("pad_value", 0)
    return _filled({"divisor": divisor}, value if _is_number(value) else 0, steps)


def _filled(pad: Mapping[str, Any], value: Any, steps: Preprocess) -> FrozenDict:
    """A padding with a value behind the normalisation, on the scale to 255; 0 is what nothing is written for."""
    if value == 0:
        return FrozenDict(freeze(pad))
    count = len(steps.mean or steps.std or (0.0,))
    values = value if isinstance(value, list) else [value] * count
    mean, std = steps.mean or (0.0,) * count, steps.std or (1.0,) * count
    whole = [round(a + one * b, 6) for one, a, b in zip(values, mean, std, strict=False)]
    return FrozenDict(freeze({**pad, "value": whole[0] if len(set(whole)) == 1 else whole}))


def read_second_preprocess(config: Mapping[str, Any], first: Preprocess, size: tuple[int, int]) -> Preprocess:
    """How the second of two images becomes an input: as the first, in its own size and with its own mean and std.

    Args:
        config: ``data_preprocessor``.
        first: How the first image becomes one; where that is cut out, the second shows the same.
        size: Height and width of the second image.
    """
    whole = first.crop is None or not isinstance(first.resize, int)
    edge = first.resize * size[0] // first.crop[0] if first.crop and isinstance(first.resize, int) else 0
    mean, std = _second_numbers(config, "mean") or first.mean, _second_numbers(config, "std") or first.std
    steps = replace(first, crop_padding=None, pad=None, mean=mean, std=std)
    return replace(steps, resize=size if whole else edge, crop=None if whole else size)


def beyond_preprocess(config: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    """What ``data_preprocessor`` says beyond an input's ``preprocess``: all but numbers that stand there as written.

    Args:
        config: ``data_preprocessor``.
        origin: What the images are before.
    """
    return {
        key: value
        for key, value in config.items()
        if key not in _NUMBERS or not _is_read_as_written(config, key, origin)
    }


def is_known_preprocessor(config: Mapping[str, Any]) -> bool:
    """Whether it is of a type whose settings are known; without a type it is the algorithm's usual one.

    Args:
        config: ``data_preprocessor``.
    """
    return config.get("type") is None or split_type(scoped_type(config))[1] in PREPROCESSORS


def strange_settings(config: Mapping[str, Any], origin: Origin) -> dict[str, str]:
    """The settings that are not understood, each with the reason.

    Args:
        config: ``data_preprocessor`` as plain data.
        origin: What the images are before.
    """
    found = {key: "a data_preprocessor has no such setting" for key in config if key not in _SETTINGS}
    if config.get("rgb_to_bgr"):
        found["rgb_to_bgr"] = "expected images in the order BGR, as OpenMMLab decodes them: set bgr_to_rgb or none"
    for key in _NUMBERS:
        if config.get(key) is not None and _numbers(config, key, origin) is None:
            found[key] = f"expected {_EXPECTED[key]}, or one for each channel, found {config[key]!r:.80}"
    return found


def write_preprocess(
    steps: Preprocess | None,
    carried: Mapping[str, Any] | None,
    package: str,
    second: Preprocess | None = None,
    origin: Origin | None = None,
) -> dict[str, Any] | None:
    """The ``data_preprocessor`` for an input.

    Args:
        steps: The input's ``preprocess``.
        carried: What the config said beyond the numbers (``beyond_preprocess``); None if it had none.
        package: Whose names are used.
        second: The ``preprocess`` of a second image, if there is one.
        origin: What the images are before.
    """
    if steps is None:
        return None if carried is None else thaw(carried)
    origin = origin or Origin()
    found: dict[str, Any] = thaw(carried or {})
    for key in _NUMBERS:
        value = getattr(steps, key)
        if _numbers(found, key, origin) != value:
            found.pop(key, None)
        if value is not None and key not in found:
            found[key] = list(value)
    if _channels(found, origin) != steps.channels:
        found = {key: value for key, value in found.items() if key not in _SWAPS_CHANNELS}
    if _channels(found, origin) != steps.channels:
        found["bgr_to_rgb" if package == "mmdet" else "to_rgb"] = steps.channels == "rgb"
    divisor = (steps.pad or {}).get("divisor")
    if (
        divisor is not None
        and _padding(found, steps) != steps.pad
        and _filled({"divisor": divisor}, 0, steps) == steps.pad
    ):
        found = {**{key: value for key, value in found.items() if key != "pad_value"}, "pad_size_divisor": divisor}
    for key in _NUMBERS if second is not None else ():
        value = getattr(second, key)
        if value is not None and (_second_numbers(found, key) or getattr(steps, key)) != value:
            found |= {"type": _TWO_NORMS, f"second_{key}": list(value)}
    return found


def _channels(config: Mapping[str, Any], origin: Origin) -> Any:
    """OpenMMLab decodes images as BGR; those of CIFAR lie in its files as RGB and are left so."""
    counts = {len(value) for key in _NUMBERS if isinstance(value := plain(config.get(key)), list)}
    if origin.colour == "gray" or (origin.channels == 1 and counts <= {1}):
        return "gray"
    if origin.channels not in (1, _COLORS) and counts <= {1, origin.channels}:
        return "bands"
    swapped = any(config.get(key) for key in _SWAPS_CHANNELS)
    if origin.colour is not None:
        return {"bgr": "rgb", "rgb": "bgr"}[origin.colour] if swapped else origin.colour
    if swapped or any(same(plain(config.get("mean")), known) for known in _CIFAR_MEANS):
        return "rgb"
    return "bgr"


def _numbers(config: Mapping[str, Any], key: str, origin: Origin) -> tuple[float, ...] | None:
    """One number for each channel; a number alone stands for all of them. None where there are none."""
    count = {"gray": 1, "bands": origin.channels}.get(_channels(config, origin), _COLORS)
    values = plain(config.get(key))
    listed = values if isinstance(values, list) else [values]
    listed = listed * count if len(listed) == 1 else listed
    if len(listed) != count or not all(map(_is_number, listed)) or (key == "std" and min(listed) <= 0):
        return None
    return tuple(map(float, listed))


def _second_numbers(config: Mapping[str, Any], key: str) -> tuple[float, ...] | None:
    """``mean`` or ``std`` of the second of two images; None where it has those of the first."""
    if config.get("type") is not None and split_type(scoped_type(config))[1] == "CAEDataPreprocessor":
        return _FROM_A_TENTH[key]
    return _numbers({**config, key: config.get(f"second_{key}")}, key, Origin())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _is_read_as_written(config: Mapping[str, Any], key: str, origin: Origin) -> bool:
    numbers = _numbers(config, key, origin)
    return numbers is not None and same(list(numbers), plain(config[key]))
