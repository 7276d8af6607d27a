"""All steps by name, and how a recipe's list of them is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from composer.problems import Edit, Fix, Problem, Where, is_typo, nearest, plain, suggestion
from composer.training.augment.choice import LISTS, OneOf
from composer.training.augment.colours import (
    ColorJitter,
    GaussianBlur,
    Grayscale,
    HsvJitter,
    Lighting,
    PhotometricDistortion,
    Solarize,
)
from composer.training.augment.crops import CenterCrop, RandomCrop, RandomCropRange, RandomResizedCrop
from composer.training.augment.erasing import RandomErasing
from composer.training.augment.objects import Expand, MinIoURandomCrop
from composer.training.augment.policies import AutoAugment, Operation, RandAugment, TrivialAugment
from composer.training.augment.sizes import MultiScaleResize, Pad, Resize, ScaleJitter
from composer.training.augment.step import Step
from composer.training.augment.turns import Affine, Flip, Rotate
from composer.training.recipe import written

__all__ = ["STEPS", "read_list", "shown_path"]

Path = tuple[str | int, ...]

STEPS: Mapping[str, type[Step]] = MappingProxyType(
    {
        "affine": Affine,
        "auto_augment": AutoAugment,
        "center_crop": CenterCrop,
        "color_jitter": ColorJitter,
        "expand": Expand,
        "flip": Flip,
        "gaussian_blur": GaussianBlur,
        "grayscale": Grayscale,
        "hsv_jitter": HsvJitter,
        "lighting": Lighting,
        "min_iou_random_crop": MinIoURandomCrop,
        "multi_scale_resize": MultiScaleResize,
        "one_of": OneOf,
        "operation": Operation,
        "pad": Pad,
        "photometric_distortion": PhotometricDistortion,
        "rand_augment": RandAugment,
        "random_crop": RandomCrop,
        "random_crop_range": RandomCropRange,
        "random_erasing": RandomErasing,
        "random_resized_crop": RandomResizedCrop,
        "resize": Resize,
        "rotate": Rotate,
        "scale_jitter": ScaleJitter,
        "solarize": Solarize,
        "trivial_augment": TrivialAugment,
    }
)
"""The steps of images, by their names in recipes."""


def read_list(
    entries: Sequence[Any], kinds: Mapping[str, type[Any]], path: Path, what: str = "step"
) -> tuple[list[Any], list[Problem]]:
    """Read steps: each a name, or a mapping of one name to its parameters.

    Args:
        entries: As the recipe has them.
        kinds: What there is, by name.
        path: Where the list stands in the recipe.
        what: What one of them is called.

    Returns:
        What could be read, and all that is wrong.
    """
    found: list[Any] = []
    problems: list[Problem] = []
    for position, entry in enumerate(entries):
        here = (*path, position)
        if isinstance(entry, Mapping) and len(entry) != 1:
            text = f"found {written(entry)}, expected one {what} an entry: a name, or {{NAME: {{PARAMETER: VALUE}}}}"
            problems.append(Problem("recipe-value", _where(here), text))
            continue
        name, params = next(iter(entry.items())) if isinstance(entry, Mapping) else (entry, None)
        if name not in kinds:
            problems.append(_unknown(str(name), kinds, entries, here, what))
        elif params is not None and not isinstance(params, Mapping):
            text = f"found {written(params)}, expected parameters: {_signature(kinds[name])}"
            problems.append(Problem("recipe-value", _where((*here, name)), text))
        else:
            params, faults = _with_lists(dict(params or {}), kinds, (*here, name))
            problems.extend(faults)
            try:
                found.append(kinds[name].model_validate(params))
            except ValidationError as error:
                problems.extend(_faults(error, kinds[name], entries, (*here, name)))
    return found, problems


def _with_lists(
    params: dict[str, Any], kinds: Mapping[str, type[Any]], here: Path
) -> tuple[dict[str, Any], list[Problem]]:
    """Parameters with the lists of steps that ``one_of`` chooses from read, as far as they are some."""
    lists = params.get(LISTS)
    if not isinstance(lists, list | tuple) or not all(isinstance(one, list | tuple) for one in lists):
        return params, []
    read = [read_list(one, kinds, (*here, LISTS, place)) for place, one in enumerate(lists)]
    return {**params, LISTS: [steps for steps, _ in read]}, [
        replace(problem, fix=None)
        for _, faults in read
        for problem in faults  # a place in a list takes no edit
    ]


def shown_path(path: Path) -> str:
    """A place in a recipe as people read it: ``augment.image[0].random_resized_crop.scale``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def _unknown(name: str, kinds: Mapping[str, Any], entries: Sequence[Any], here: Path, what: str) -> Problem:
    text = f"'{name}' is no {what}; {suggestion(name, kinds, f'{what}s')}"
    near = nearest(name, kinds, 1)
    fix = None
    if near and is_typo(name, near[0]):
        entry = entries[int(here[-1])]
        renamed = {near[0]: entry[name]} if isinstance(entry, Mapping) else near[0]
        fix = Fix(f"rename '{name}' to '{near[0]}'", (_edit(entries, here, renamed),))
    return Problem("recipe-key", _where(here), text, fix)


def _faults(error: ValidationError, kind: type[Any], entries: Sequence[Any], here: Path) -> Iterator[Problem]:
    """What is wrong with parameters, one problem a parameter."""
    reported: set[Any] = set()
    for fault in error.errors(include_url=False, include_context=True):
        key = str(fault["loc"][0]) if fault["loc"] else ""
        if key in reported:
            continue
        reported.add(key)
        name = str(here[-1])
        if fault["type"] == "extra_forbidden":
            text = f"'{key}' is no parameter of {name}; {suggestion(key, kind.model_fields, 'parameters')}"
            near = nearest(key, kind.model_fields, 1)
            fix = None
            if near and is_typo(key, near[0]):
                params = entries[int(here[-2])][name]
                renamed = {near[0] if own == key else own: value for own, value in params.items()}
                fix = Fix(f"rename '{key}' to '{near[0]}'", (_edit(entries, here[:-1], {name: renamed}),))
            yield Problem("recipe-key", _where((*here, key)), text, fix)
        else:
            given = entries[int(here[-2])]
            value = (given[name] or {}).get(key) if isinstance(given, Mapping) and key else given
            message = plain(fault["msg"])
            text = f"found {written(value)}, {message[:1].lower()}{message[1:]}{_default(kind, key)}"
            yield Problem("recipe-value", _where((*here, key) if key else here), text)


def _default(kind: type[Any], key: str) -> str:
    field = kind.model_fields.get(key)
    if field is None or field.is_required():
        return ""
    value = field.default
    return "" if value is None else f" (by default {written(value)})"


def _signature(kind: type[Any]) -> str:
    names = list(kind.model_fields)
    return "{" + ", ".join(f"{name}: ..." for name in names) + "}" if names else "none"


def _edit(entries: Sequence[Any], here: Path, entry: Any) -> Edit:
    """The edit that puts another entry in one's place."""
    changed = [entry if place == here[-1] else old for place, old in enumerate(entries)]
    return Edit(tuple(map(str, here[:-1])), changed)


def _where(path: Path) -> Where:
    return Where(shown_path(path), path=path)
