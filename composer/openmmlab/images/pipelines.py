"""A pipeline as steps of an input's ``preprocess``: its transforms one after the other, through their wrappers.

A transform that only loads or packs changes no pixel. What no step says is told, by name, and left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from composer.openmmlab.images.data_sets import TestedImages
from composer.openmmlab.images.reading import Colour, Reading
from composer.openmmlab.images.transforms import PACKING, TRANSFORMS, normalise
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain
from composer.problems import Problem

__all__ = ["PipelineSteps", "read_pipeline"]

_COLOURS: Mapping[str, Colour] = MappingProxyType(
    {"CIFAR10": "rgb", "CIFAR100": "rgb", "MNIST": "gray", "FashionMNIST": "gray"}
)
_OLD = ("Collect", "DefaultFormatBundle", "ImageToTensor", "MultiScaleFlipAug")  # of mmcls 0.x and mmdet 2.x
_LISTS = ("TransformBroadcaster", "ProposalBroadcaster", "ApplyToList", "Compose")
_TRIED = ("MultiScaleFlipAug", "TestTimeAug")


@dataclass(frozen=True)
class PipelineSteps:
    """What a pipeline does to an image.

    Args:
        steps: ``resize``, ``interpolation``, ``backend``, ``crop``, ``crop_padding``; ``pad`` with ``pad_value``, what
            it is filled with.
        mean: On the scale to 255; None where the pipeline does not normalise.
        std: As ``mean``.
        colour: The order of the channels that come out; None where it is not known.
        padded_after: Whether the padding was filled after the normalisation.
        pad_colour: The order of the channels when it was.
        notes: What is not read of it, by name.
    """

    steps: Mapping[str, Any]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    colour: Colour | None
    padded_after: bool
    pad_colour: Colour | None
    notes: tuple[Problem, ...]


def read_pipeline(images: TestedImages) -> PipelineSteps:
    """The steps of the pipeline that a config tests with.

    Args:
        images: What the config says of the images.
    """
    kinds = {kind for _, kind, _ in _transforms(images.pipeline, "")}
    reading = Reading(_COLOURS.get(images.kind), height_first=not kinds.isdisjoint(_OLD))
    source = images.data_set.get("data_source")
    if isinstance(source, Mapping) or _is_torchvision(images.pipeline):
        reading.of_torchvision, reading.colour = True, reading.colour or "rgb"
        gray = isinstance(source, Mapping) and source.get("color_type") == "grayscale"
        reading.colour = "gray" if gray else reading.colour
    _read(reading, images.pipeline, images.place or "pipeline")
    _read_beside(reading, images)
    steps = {key: value for key, value in reading.steps.items() if value is not None}
    mean, std = (tuple(found) if (found := reading.numbers.get(key)) else None for key in ("mean", "std"))
    padded = (reading.padded_after, reading.pad_colour)
    return PipelineSteps(steps, mean, std, reading.colour, *padded, tuple(reading.notes))


def _read_beside(reading: Reading, images: TestedImages) -> None:
    """``img_norm_cfg`` beside all, where the loader goes by it (``prefetch``) or there is no pipeline that could."""
    loads = bool(images.data_set.get("prefetch")) and "normalise" not in reading.done
    if images.normalisation is None or not (loads or not images.pipeline):
        return
    numbers = [one for key in ("mean", "std") for one in _listed(images.normalisation.get(key))]
    reading.unit = bool(numbers) and all(isinstance(one, int | float) and abs(one) <= 1 for one in numbers)
    if reading.unit:
        reading.of_torchvision, reading.colour = True, reading.colour or "rgb"
    elif reading.colour is None:
        reading.colour = "bgr"
    normalise(reading, "img_norm_cfg", "img_norm_cfg", images.normalisation)


def _read(reading: Reading, pipeline: Sequence[Any], place: str) -> None:
    for index, step in enumerate(pipeline):
        here = f"{place}.{index}"
        kind = _kind(step)
        if not kind:
            reading.tell(here, f"found {plain(step)!r:.60}, expected a dict with a type: it is not read")
        elif kind in _TRIED:
            _read_tried(reading, step, here, kind)
        elif kind in _LISTS and isinstance(step.get("transforms"), list | tuple):
            _read(reading, step["transforms"], f"{here}.transforms")
        elif kind in TRANSFORMS:
            TRANSFORMS[kind](reading, here, kind, step)
        elif kind not in PACKING:
            reading.tell(here, f"{kind} is no step of preprocess that is known: images are prepared without it")


def _read_tried(reading: Reading, step: Mapping[str, Any], place: str, kind: str) -> None:
    """A wrapper that tries several versions of an image: the first of each is read."""
    scales = plain(step.get("img_scale", step.get("scale_factor")))
    several = isinstance(scales, list) and len(scales) > 1 and all(isinstance(one, list) for one in scales)
    if several or step.get("flip"):
        reading.tell(place, f"{kind} answers for several versions of an image: one is read, the first, not flipped")
    reading.scale = scales[0] if isinstance(scales, list) and scales and isinstance(scales[0], list) else scales
    reading.flips = True
    inner = step.get("transforms") or ()
    if kind == "TestTimeAug":
        inner = [one[0] if isinstance(one, list | tuple) and one else one for one in inner]
    _read(reading, inner if isinstance(inner, list | tuple) else (), f"{place}.transforms")


def _transforms(pipeline: Sequence[Any], place: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every transform, those of wrappers included: its place, its type and its settings."""
    for index, step in enumerate(pipeline):
        here = f"{place}.{index}"
        if kind := _kind(step):
            yield here, kind, step
            inner = step.get("transforms")
            yield from _transforms(inner if isinstance(inner, list | tuple) else (), here)


def _kind(step: Any) -> str:
    written = scoped_type(step) if isinstance(step, Mapping) else None
    return split_type(written)[1] if written is not None else ""


def _is_torchvision(pipeline: Sequence[Any]) -> bool:
    """Whether bare names are torchvision's: its ``ToTensor`` takes no ``keys``, and nothing loads a file."""
    kinds = [_kind(step) for step in pipeline]
    whole = any(kind == "ToTensor" and "keys" not in step for kind, step in zip(kinds, pipeline, strict=True))
    return whole and not any(kind.startswith("LoadImage") for kind in kinds)


def _listed(value: Any) -> list[Any]:
    found = plain(value)
    return found if isinstance(found, list) else [found]
