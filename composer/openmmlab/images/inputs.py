"""The input of a model: which images it takes, and how an image becomes one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from composer.graph import Input, Preprocess
from composer.openmmlab.images.data_sets import SIDES, TestedImages
from composer.openmmlab.images.pipelines import PipelineSteps, read_pipeline
from composer.openmmlab.images.preprocessors import (
    PREPROCESSORS,
    SECOND,
    Origin,
    beyond_preprocess,
    image_size,
    is_known_preprocessor,
    join_pipeline,
    read_preprocess,
    second_padding,
    strange_settings,
)
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.notes import left_to_caller, not_understood
from composer.openmmlab.plain import plain
from composer.problems import Problem
from composer.run.geometry import fixed_size

__all__ = ["ImageInput", "read_image"]

_PATH = "model.data_preprocessor"
_GRAY = ("LeNet5",)  # backbones without in_channels that take gray images
_OF_A_FILE = (1, 3)
_SIZES = ("resize", "crop", "pad")


@dataclass
class ImageInput:
    """An input that takes images.

    Args:
        entry: The input.
        beyond: What ``data_preprocessor`` says beyond it.
        notes: What there is to report.
    """

    entry: Input
    beyond: Any
    notes: list[Problem] = field(default_factory=list)


def read_image(
    config: Mapping[str, Any],
    backbone: Any,
    images: TestedImages | None,
    *,
    two_norms: bool = False,
    size: tuple[int, int] | None = None,
) -> ImageInput:
    """The input of a model.

    Args:
        config: The config of the whole model.
        backbone: That of its backbone.
        images: What the config says beside the model of the images; None where only the model is at hand.
        two_norms: Whether a second image, prepared in another way, is drawn too.
        size: Height and width where nothing says them; by default those that the backbone is made for.
    """
    part = backbone if isinstance(backbone, Mapping) else {}
    kind = split_type(scoped_type(part))[1]
    own = part.get("in_channels", 1 if kind in _GRAY else 3)
    channels = own if type(own) is int else 3
    given = config.get("data_preprocessor")
    settings = plain(given) if isinstance(given, Mapping) else {}
    pipeline = read_pipeline(images) if images is not None and (images.pipeline or images.normalisation) else None
    origin = Origin(pipeline.colour if pipeline else None, channels)
    found = ImageInput(Input("Image"), given)
    if isinstance(given, Mapping):
        _report_settings(found.notes, settings, two_norms, origin)
        found.beyond = beyond_preprocess(given, origin)
    elif given is not None:
        found.notes.append(not_understood(_PATH, f"expected a dict, found {plain(given)!r:.80}"))
    usual = size or image_size(kind, part.get("img_size"))
    steps: Preprocess | None = None
    drawn: tuple[int, int] | None = usual
    if pipeline is not None and images is not None:
        demanded = usual if part.get("img_size") is not None and size is None else None
        steps, drawn = _by_pipeline(found, settings, pipeline, images, origin, demanded, usual)
    elif isinstance(given, Mapping):
        steps = read_preprocess(settings, usual, origin)
    if images is not None:
        found.notes[:0] = images.notes
        if steps is not None and not images.pipeline:
            _report_no_pipeline(found, steps)
    shape = drawn or fixed_size(steps or Preprocess()) or ("H", "W")
    found.entry = Input("Image", ("B", channels, *shape), steps)
    if steps is not None and channels not in _OF_A_FILE:
        text = f"the network takes {channels} channels, which no image file has: give composer.preprocess an array "
        found.notes.append(left_to_caller(_PATH, f"{text}[H, W, {channels}] of uint8, or the model tensors"))
    return found


def _by_pipeline(
    found: ImageInput,
    settings: Mapping[str, Any],
    pipeline: PipelineSteps,
    images: TestedImages,
    origin: Origin,
    demanded: tuple[int, int] | None,
    usual: tuple[int, int],
) -> tuple[Preprocess, tuple[int, int] | None]:
    """The steps, and the size where the pipeline does not say it.

    Args:
        found: Takes what there is to report.
        settings: ``data_preprocessor``.
        pipeline: The pipeline.
        images: What the config says of the images.
        origin: What they are before ``data_preprocessor``.
        demanded: The size that the backbone demands.
        usual: The size of its usual data set.
    """
    found.notes.extend(pipeline.notes)
    for key in [key for key in ("mean", "std") if getattr(pipeline, key) is not None and settings.get(key) is not None]:
        text = f"{images.place} normalises images already: they would be normalised twice; that of the pipeline is read"
        found.notes.append(not_understood(f"{_PATH}.{key}", text))
    steps = join_pipeline(settings, pipeline, origin)
    if second_padding(settings, steps):
        text = "the pipeline pads images, and so does this: preprocess pads once, as the pipeline does"
        found.notes.append(left_to_caller(f"{_PATH}.pad_size_divisor", text))
    if images.pipeline and any(getattr(steps, key) is not None for key in _SIZES):
        return steps, None
    side = SIDES.get(images.kind)
    size = (side, side) if side else demanded if images.pipeline else usual
    if size is None:
        return steps, None
    sized = read_preprocess({}, size)
    return replace(steps, resize=sized.resize, crop=sized.crop), size


def _report_no_pipeline(found: ImageInput, steps: Preprocess) -> None:
    how = f"resized to {list(steps.resize)}" if isinstance(steps.resize, tuple) else f"resized to {steps.resize}"
    how += f" and cropped to {list(steps.crop)}" if steps.crop else ""
    text = f"the config has no pipeline for testing, so that it does not say the size of images: they are {how}"
    found.notes.append(left_to_caller("test_pipeline", text))


def _report_settings(notes: list[Problem], config: Mapping[str, Any], two_norms: bool, origin: Origin) -> None:
    strange = {key: text for key, text in strange_settings(config, origin).items() if not (two_norms and key in SECOND)}
    if is_known_preprocessor(config):
        notes.extend(not_understood(f"{_PATH}.{key}", strange[key]) for key in strange if key not in SECOND)
        for key in [key for key in SECOND if key in config and not two_norms]:
            text = "an input has one preprocess: prepare the second view yourself"
            notes.append(left_to_caller(f"{_PATH}.{key}", text))
    else:
        text = f"found the type {plain(config['type'])!r:.80}, known are {', '.join(PREPROCESSORS)}: "
        text += "only mean, std and the order of the channels are taken from it"
        text += f"; left out: {', '.join(strange)}" if strange else ""
        notes.append(left_to_caller(_PATH, text))
    if config.get("batch_augments"):
        notes.append(left_to_caller(f"{_PATH}.batch_augments", "mixing the images of a batch is training"))
