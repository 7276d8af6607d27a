"""``data_preprocessor`` of a config as an input's ``preprocess``, and back."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Preprocess, thaw
from composer.openmmlab.plain import same

__all__ = ["image_size", "read_preprocess", "write_preprocess"]

_CIFAR_MEANS = ((125.307, 122.961, 113.8575), (129.304, 124.07, 112.434))  # CIFAR-10 and -100
_SWAPS_CHANNELS = ("to_rgb", "bgr_to_rgb")
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
        mean=_numbers(config.get("mean")),
        std=_numbers(config.get("std")),
    )


def write_preprocess(
    steps: Preprocess | None, carried: Mapping[str, Any] | None, package: str
) -> dict[str, Any] | None:
    """The ``data_preprocessor`` for an input.

    Args:
        steps: The input's ``preprocess``.
        carried: What the config said, but for the numbers; None if it had none.
        package: Whose names are used.
    """
    if steps is None:
        return None if carried is None else thaw(carried)
    found: dict[str, Any] = thaw(carried or {})
    found |= {key: list(value) for key in ("mean", "std") if (value := getattr(steps, key)) is not None}
    if _channels(found) != steps.channels:
        found = {key: value for key, value in found.items() if key not in _SWAPS_CHANNELS}
    if _channels(found) != steps.channels:
        found["bgr_to_rgb" if package == "mmdet" else "to_rgb"] = steps.channels == "rgb"
    return found


def _channels(config: Mapping[str, Any]) -> Any:
    """OpenMMLab decodes pictures as BGR; those of CIFAR lie in its files as RGB and are left so."""
    mean = config.get("mean")
    if isinstance(mean, list | tuple) and len(mean) == 1:
        return "gray"
    if any(config.get(key) for key in _SWAPS_CHANNELS) or any(same(mean, known) for known in _CIFAR_MEANS):
        return "rgb"
    return "bgr"


def _numbers(values: Any) -> tuple[float, ...] | None:
    return tuple(values) if isinstance(values, list | tuple) else None
