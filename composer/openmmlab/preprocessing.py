"""``data_preprocessor`` of a config as an input's ``preprocess``, and back."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from composer.graph import Preprocess, thaw
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain, same

__all__ = [
    "PREPROCESSORS",
    "SECOND",
    "beyond_preprocess",
    "image_size",
    "is_known_preprocessor",
    "read_preprocess",
    "read_second_preprocess",
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
_IMAGENET_SIZE = 224
_IMAGENET_RESIZE = 256
_SMALL_PICTURES = {"ResNet_CIFAR": 32, "LeNet5": 32}


def image_size(kind: str, img_size: Any) -> tuple[int, int]:
    """Height and width of the pictures that a backbone is made for.

    Args:
        kind: Type of the backbone.
        img_size: What it says itself, one number or two; anything else stands for the usual size of its data set: 32
            for CIFAR's, 224 for ImageNet's.
    """
    sizes = [img_size] * 2 if type(img_size) is int else img_size
    if isinstance(sizes, list | tuple) and len(sizes) == 2 and all(type(size) is int and size > 0 for size in sizes):
        return sizes[0], sizes[1]
    usual = _SMALL_PICTURES.get(kind, _IMAGENET_SIZE)
    return usual, usual


def read_preprocess(config: Mapping[str, Any], size: tuple[int, int]) -> Preprocess:
    """How a picture becomes an input.

    The size is no part of a model's config: pictures are resized to it, but for 224 their shorter edge to 256 and the
    middle is cut out, as in OpenMMLab's test pipelines for ImageNet.
    """
    usual = size == (_IMAGENET_SIZE, _IMAGENET_SIZE)
    return Preprocess(
        resize=_IMAGENET_RESIZE if usual else size,
        crop=size if usual else None,
        channels=_channels(config),
        mean=_numbers(config, "mean"),
        std=_numbers(config, "std"),
    )


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
    return replace(first, resize=size if whole else edge, crop=None if whole else size, mean=mean, std=std)


def beyond_preprocess(config: Mapping[str, Any]) -> dict[str, Any]:
    """What ``data_preprocessor`` says beyond an input's ``preprocess``: all but numbers that stand there as written.

    Args:
        config: ``data_preprocessor``.
    """
    return {key: value for key, value in config.items() if key not in _NUMBERS or not _is_read_as_written(config, key)}


def is_known_preprocessor(config: Mapping[str, Any]) -> bool:
    """Whether it is of a type whose settings are known; without a type it is the algorithm's usual one.

    Args:
        config: ``data_preprocessor``.
    """
    return config.get("type") is None or split_type(scoped_type(config))[1] in PREPROCESSORS


def strange_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings that are not understood, each with the reason.

    Args:
        config: ``data_preprocessor`` as plain data.
    """
    found = {key: "a data_preprocessor has no such setting" for key in config if key not in _SETTINGS}
    if config.get("rgb_to_bgr"):
        found["rgb_to_bgr"] = "expected pictures in the order BGR, as OpenMMLab decodes them: set bgr_to_rgb or none"
    for key in _NUMBERS:
        if config.get(key) is not None and _numbers(config, key) is None:
            found[key] = f"expected {_EXPECTED[key]}, or one for each channel, found {config[key]!r:.80}"
    return found


def write_preprocess(
    steps: Preprocess | None, carried: Mapping[str, Any] | None, package: str, second: Preprocess | None = None
) -> dict[str, Any] | None:
    """The ``data_preprocessor`` for an input.

    Args:
        steps: The input's ``preprocess``.
        carried: What the config said beyond the numbers (``beyond_preprocess``); None if it had none.
        package: Whose names are used.
        second: The ``preprocess`` of a second image, if there is one.
    """
    if steps is None:
        return None if carried is None else thaw(carried)
    found: dict[str, Any] = thaw(carried or {})
    for key in _NUMBERS:
        value = getattr(steps, key)
        if _numbers(found, key) != value:
            found.pop(key, None)
        if value is not None and key not in found:
            found[key] = list(value)
    if _channels(found) != steps.channels:
        found = {key: value for key, value in found.items() if key not in _SWAPS_CHANNELS}
    if _channels(found) != steps.channels:
        found["bgr_to_rgb" if package == "mmdet" else "to_rgb"] = steps.channels == "rgb"
    for key in _NUMBERS if second is not None else ():
        value = getattr(second, key)
        if value is not None and (_second_numbers(found, key) or getattr(steps, key)) != value:
            found |= {"type": _TWO_NORMS, f"second_{key}": list(value)}
    return found


def _channels(config: Mapping[str, Any]) -> Any:
    """OpenMMLab decodes pictures as BGR; those of CIFAR lie in its files as RGB and are left so."""
    mean = plain(config.get("mean"))
    if isinstance(mean, list) and len(mean) == 1:
        return "gray"
    if any(config.get(key) for key in _SWAPS_CHANNELS) or any(same(mean, known) for known in _CIFAR_MEANS):
        return "rgb"
    return "bgr"


def _numbers(config: Mapping[str, Any], key: str) -> tuple[float, ...] | None:
    """One number for each channel; a number alone stands for all of them. None where there are none."""
    count = 1 if _channels(config) == "gray" else _COLORS
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
    return _numbers({**config, key: config.get(f"second_{key}")}, key)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _is_read_as_written(config: Mapping[str, Any], key: str) -> bool:
    numbers = _numbers(config, key)
    return numbers is not None and same(list(numbers), plain(config[key]))
