"""Steps of a recipe as transforms of OpenMMLab, the opposite of ``transforms``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from composer.graph import Graph, Input
from composer.training.augment.choice import LISTS
from composer.training.augment.colours import AXES, SPREAD
from composer.training.augment.step import Step, input_size, levels_of
from composer.training.augment.steps import STEPS, read_list
from composer.training.augment.views import SAME_AS

__all__ = ["train_pipeline"]

Pipeline = list[dict[str, Any]]

_PACKS = {"mmdet": "PackDetInputs", "mmselfsup": "PackSelfSupInputs"}
_MASKED = 0.6
"""The share of hidden patches of SimMIM, where a recipe leaves it open."""


def train_pipeline(augment: Mapping[str, Sequence[Any]], graph: Graph, package: str) -> tuple[Pipeline, list[str]]:
    """The transforms of the training images.

    Args:
        augment: ``augment`` of a recipe.
        graph: Its graph.
        package: The package that reads the config.

    Returns:
        The pipeline, and the places of the steps that OpenMMLab has no transform for.
    """
    images = {name: entry for name, entry in graph.inputs.items() if entry.type == "Image"}
    left: list[str] = []
    views: list[Pipeline] = []
    second: dict[str, Any] | None = None
    for name, entry in images.items():
        steps = list(augment.get(name, ()))
        same = steps[0].get(SAME_AS) if steps and isinstance(steps[0], Mapping) else None
        if same is not None:
            second = {"entry": entry, **(same if isinstance(same, Mapping) else {"input": same})}
            left += [f"augment.{name}[{place}]" for place in range(1, len(steps))]
            continue
        views.append(_transforms(steps, entry, f"augment.{name}", left))
    if second is not None and views:
        _show_twice(views[0], second, left)
    found = _loading(graph, package) + _together(views)
    for name, entry in graph.data_samples.items():
        if entry.type == "Mask" and augment.get(name):
            found += _mask(augment[name][0], entry, next(iter(images.values()), None), f"augment.{name}[0]", left)
    return [*found, {"type": _PACKS.get(package, "PackInputs")}], left


def _loading(graph: Graph, package: str) -> Pipeline:
    found: Pipeline = [{"type": "LoadImageFromFile"}]
    if package == "mmdet":
        masks = any(entry.type == "InstanceMasks" for entry in graph.data_samples.values())
        found.append({"type": "LoadAnnotations", "with_bbox": True, **({"with_mask": True} if masks else {})})
    return found


def _together(views: Sequence[Pipeline]) -> Pipeline:
    """One view as it is, several as ``MultiView``: neighbours that are alike once, with their number."""
    if len(views) < 2:
        return [*views[0]] if views else []
    several: list[tuple[Pipeline, int]] = []
    for view in views:
        if several and several[-1][0] == view:
            several[-1] = (view, several[-1][1] + 1)
        else:
            several.append((view, 1))
    counts = [count for _, count in several]
    return [{"type": "MultiView", "num_views": counts, "transforms": [view for view, _ in several]}]


def _show_twice(view: Pipeline, second: Mapping[str, Any], left: list[str]) -> None:
    """The crop of a view in two sizes, as BEiT and CAE take it."""
    crop = next((one for one in view if one["type"] == "RandomResizedCrop"), None)
    entry = second["entry"]
    sides = input_size(entry)
    if crop is None or sides is None or sides[0] != sides[1]:
        left.append(f"augment.{second['input']}")
        return
    crop["type"] = "RandomResizedCropAndInterpolationWithTwoPic"
    area, ratio = crop.pop("crop_ratio_range"), crop.pop("aspect_ratio_range")
    crop["size"] = crop.pop("scale")
    crop.pop("backend")
    crop |= {"scale": area, "ratio": ratio, "second_size": sides[0]}
    crop["second_interpolation"] = second.get("interpolation") or crop["interpolation"]


def _mask(entry: Any, mask: Input, image: Input | None, place: str, left: list[str]) -> Pipeline:
    """How patches are hidden, as the generators of BEiT, SimMIM and MaskFeat do it."""
    name, params = next(iter(entry.items())) if isinstance(entry, Mapping) else (entry, {})
    params = params or {}
    grid = [one for one in (mask.shape or ())[1:] if isinstance(one, int)]
    size = input_size(image) if image is not None else None
    if len(grid) != 2 or size is None:
        left.append(place)
        return []
    if name == "random":
        unit = params.get("unit") or 1
        patch = size[0] // grid[0]
        share = params.get("ratio", _MASKED)
        found = {"input_size": size[0], "mask_patch_size": unit * patch, "model_patch_size": patch}
        return [{"type": "SimMIMMaskGenerator", **found, "mask_ratio": share}]
    if params.get("ratio") is not None:
        known = {"mask_ratio": params["ratio"], "min_mask_patches": params.get("min_block")}
        found = {key: value for key, value in known.items() if value is not None}
        return [{"type": "MaskFeatMaskGenerator", "input_size": size[0], "feature_size": grid[0], **found}]
    names = {"count": "num_masking_patches", "min_block": "min_num_patches", "max_block": "max_num_patches"}
    found = {theirs: params[ours] for ours, theirs in names.items() if params.get(ours) is not None}
    if "min_aspect" in params:
        found["min_aspect"] = params["min_aspect"]
    return [{"type": "BEiTMaskGenerator", "input_size": grid, **found}]


def _transforms(entries: Sequence[Any], entry: Input, place: str, left: list[str]) -> Pipeline:
    """The transforms of some steps; the places of those that have none are noted."""
    found: Pipeline = []
    for position, given in enumerate(entries):
        name = next(iter(given)) if isinstance(given, Mapping) else given
        steps, problems = read_list([given], STEPS, ())
        here = f"{place}[{position}]"
        if problems or name not in _WRITTEN:
            left.append(here)
            continue
        made = list(_WRITTEN[name](steps[0].fitted(entry), entry))
        if name == "one_of":
            params = given[name] if isinstance(given, Mapping) else {}
            lists = [
                _transforms(one, entry, f"{here}.{LISTS}[{at}]", left) for at, one in enumerate(params.get(LISTS, ()))
            ]
            made[0]["transforms"] = lists
        if not made:
            left.append(here)
        found += made
    return found


Written = Iterator[dict[str, Any]]


def _wide(size: Sequence[int]) -> list[int]:
    """Width and height of a size."""
    return [size[1], size[0]]


def _colour(fill: Sequence[int] | None) -> Any:
    """A colour, blue first; one number of an even one."""
    levels = list(fill or (0,))[::-1]
    return levels[0] if len(set(levels)) == 1 else levels


def _perhaps(share: float, transform: dict[str, Any]) -> dict[str, Any]:
    return transform if share >= 1 else {"type": "RandomApply", "prob": share, "transforms": [transform]}


def _random_resized_crop(step: Any, entry: Input) -> Written:
    size = step.size or (224, 224)
    yield {
        "type": "RandomResizedCrop",
        "scale": size[0] if size[0] == size[1] else _wide(size),
        "crop_ratio_range": list(step.scale),
        "aspect_ratio_range": list(step.ratio),
        "interpolation": step.interpolation,
        "backend": "pillow",
    }


def _flip(step: Any, entry: Input) -> Written:
    if step.direction != "both":
        yield {"type": "RandomFlip", "prob": step.p, "direction": step.direction}
    elif step.p <= 0.5:
        yield {"type": "RandomFlip", "prob": 2 * step.p, "direction": ["horizontal", "vertical"]}


def _resize(step: Any, entry: Input) -> Written:
    how = {"interpolation": step.interpolation, "backend": "pillow"}
    if step.size is None:
        return
    if len(step.size) == 2:
        yield {"type": "Resize", "scale": _wide(step.size), "keep_ratio": False, **how}
    elif step.max_size is not None:
        yield {"type": "Resize", "scale": [step.max_size, step.size[0]], "keep_ratio": True, **how}
    else:
        yield {"type": "ResizeEdge", "scale": step.size[0], "edge": "short", **how}


def _multi_scale(step: Any, entry: Input) -> Written:
    scales = [[step.max_size, short] for short in step.short]
    more = {"interpolation": step.interpolation, "backend": "pillow"}
    yield {"type": "RandomChoiceResize", "scales": scales, "keep_ratio": True, **more}


def _jitter_of_scale(step: Any, entry: Input) -> Written:
    if step.size is not None and step.interpolation == "bilinear":
        ratios = list(step.ratio_range)
        yield {"type": "RandomResize", "scale": _wide(step.size), "ratio_range": ratios, "keep_ratio": True}


def _random_crop(step: Any, entry: Input) -> Written:
    if step.size is None:
        return
    padding = list(step.padding)
    found: dict[str, Any] = {"type": "RandomCrop", "crop_size": _wide(step.size)}
    if any(padding):
        found |= {"padding": padding[0] if len(set(padding)) == 1 else padding}
        found |= {"pad_val": _colour(step.fill)} if step.padding_mode == "constant" else {}
        found |= {"padding_mode": step.padding_mode} if step.padding_mode != "constant" else {}
    yield found


def _crop_range(step: Any, entry: Input) -> Written:
    more = {"crop_type": "absolute_range", "allow_negative_crop": True}
    yield {"type": "RandomCrop", "crop_size": list(step.sides), **more}


def _center_crop(step: Any, entry: Input) -> Written:
    if step.size is not None:
        yield {"type": "CenterCrop", "crop_size": _wide(step.size)}


def _pad(step: Any, entry: Input) -> Written:
    if step.size is not None and not any(step.padding) and step.padding_mode == "constant":
        yield {"type": "Pad", "size": _wide(step.size), "pad_val": {"img": _colour(step.fill)}}


def _color_jitter(step: Any, entry: Input) -> Written:
    found: dict[str, Any] = {"type": "ColorJitter", "backend": "pillow"}
    for key, middle in (("brightness", 1.0), ("contrast", 1.0), ("saturation", 1.0), ("hue", 0.0)):
        low, high = getattr(step, key)
        if (low, high) != (middle, middle):
            even = abs((low + high) / 2 - middle) < 1e-9 and (middle == 0 or low > 0)
            found[key] = float(f"{high - middle:.9g}") if even else [low, high]
    yield _perhaps(step.p, found)


def _grayscale(step: Any, entry: Input) -> Written:
    yield {"type": "RandomGrayscale", "prob": step.p, "keep_channels": True}


def _blur(step: Any, entry: Input) -> Written:
    yield {"type": "GaussianBlur", "magnitude_range": list(step.sigma), "magnitude_std": "inf", "prob": step.p}


def _solarize(step: Any, entry: Input) -> Written:
    yield {"type": "Solarize", "thr": step.threshold, "prob": step.p}


def _rand_augment(step: Any, entry: Input) -> Written:
    if step.prob == 0.5:
        about = {"pad_val": _colour(step.fill), "interpolation": step.interpolation}
        yield {
            "type": "RandAugment",
            "policies": "timm_increasing",
            "num_policies": step.num_ops,
            "total_level": 10,
            "magnitude_level": step.magnitude,
            "magnitude_std": step.magnitude_std,
            "hparams": about,
        }


def _auto_augment(step: Any, entry: Input) -> Written:
    about = {"pad_val": _colour(step.fill), "interpolation": step.interpolation}
    yield {"type": "AutoAugment", "policies": step.policy, "hparams": about}


def _trivial(step: Any, entry: Input) -> Written:
    yield {"type": "NumpyToPIL", "to_rgb": True}
    yield {"type": "torchvision/TrivialAugmentWide", "interpolation": step.interpolation}
    yield {"type": "PILToNumpy", "to_bgr": True}


_KEYS = {"posterize": "bits", "rotate": "angle", "solarize": "thr"}
_TYPES = {"color": "ColorTransform", "auto_contrast": "AutoContrast", "solarize_add": "SolarizeAdd"}


def _operation(step: Any, entry: Input) -> Written:
    name, _, way = step.name.rpartition("_") if step.name[-2:] in ("_x", "_y") else (step.name, "", "")
    if name == "solarize":
        yield {"type": "Solarize", "thr": step.amount, "prob": step.p}
        return
    found: dict[str, Any] = {"type": _TYPES.get(name, name.capitalize()), "prob": step.p}
    if name not in ("auto_contrast", "equalize", "invert"):
        found[_KEYS.get(name, "magnitude")] = int(step.amount) if name == "posterize" else step.amount
        if name not in ("posterize", "solarize_add"):
            found["random_negative_prob"] = step.negative
    if way:
        found["direction"] = "horizontal" if way == "x" else "vertical"
    if way or name == "rotate":
        found |= {"pad_val": _colour(step.fill), "interpolation": step.interpolation}
    yield found


def _lighting(step: Any, entry: Input) -> Written:
    axes = [list(row) for row in AXES[::-1]]
    yield {"type": "Lighting", "eigval": list(SPREAD), "eigvec": axes, "alphastd": step.deviation, "to_rgb": False}


def _hsv(step: Any, entry: Input) -> Written:
    levels = {"saturation_delta": step.saturation, "value_delta": step.value}
    yield {"type": "YOLOXHSVRandomAug", "hue_delta": step.hue / 2, **levels}


def _one_of(step: Any, entry: Input) -> Written:
    found: dict[str, Any] = {"type": "RandomChoice", "transforms": []}
    if step.weights is not None:
        found["prob"] = [weight / sum(step.weights) for weight in step.weights]
    yield found


def _erasing(step: Any, entry: Input) -> Written:
    found = {"erase_prob": step.p, "mode": "rand" if step.mode == "noise" else "const"}
    found |= {"min_area_ratio": step.scale[0], "max_area_ratio": step.scale[1], "aspect_range": list(step.ratio)}
    yield {"type": "RandomErasing", **found, "fill_color": list(step.fill or levels_of(entry))[::-1]}


def _photometric(step: Any, entry: Input) -> Written:
    keys = ("brightness_delta", "contrast_range", "saturation_range", "hue_delta")
    values = {key: getattr(step, key) for key in keys}
    named = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    yield {"type": "PhotoMetricDistortion", **named}


def _expand(step: Any, entry: Input) -> Written:
    found = {"mean": list(step.fill or (0,)), "to_rgb": True, "ratio_range": list(step.ratio_range), "prob": step.p}
    yield {"type": "Expand", **found}


def _min_iou(step: Any, entry: Input) -> Written:
    yield {"type": "MinIoURandomCrop", "min_ious": list(step.min_ious), "min_crop_size": step.min_crop_size}


def _rotate(step: Any, entry: Input) -> Written:
    if set(step.fill) == {0}:
        yield {"type": "NumpyToPIL", "to_rgb": True}
        turned = {"degrees": list(step.degrees), "interpolation": step.interpolation}
        yield _perhaps(step.p, {"type": "torchvision/RandomRotation", **turned})
        yield {"type": "PILToNumpy", "to_bgr": True}


def _affine(step: Any, entry: Input) -> Written:
    (low, high), shift = step.degrees, step.translate
    shear = step.shear
    if low != -high or shear[0] != -shear[1] or shift[0] != shift[1] or step.p < 1 or step.interpolation != "bilinear":
        return
    found = {"max_rotate_degree": high, "max_translate_ratio": shift[0], "max_shear_degree": shear[1]}
    yield {"type": "RandomAffine", **found, "scaling_ratio_range": list(step.scale), "border_val": _colour(step.fill)}


_WRITTEN: Mapping[str, Callable[[Step, Input], Written]] = MappingProxyType(
    {
        "affine": _affine,
        "auto_augment": _auto_augment,
        "center_crop": _center_crop,
        "color_jitter": _color_jitter,
        "expand": _expand,
        "flip": _flip,
        "gaussian_blur": _blur,
        "grayscale": _grayscale,
        "hsv_jitter": _hsv,
        "lighting": _lighting,
        "min_iou_random_crop": _min_iou,
        "multi_scale_resize": _multi_scale,
        "one_of": _one_of,
        "operation": _operation,
        "pad": _pad,
        "photometric_distortion": _photometric,
        "rand_augment": _rand_augment,
        "random_crop": _random_crop,
        "random_crop_range": _crop_range,
        "random_erasing": _erasing,
        "random_resized_crop": _random_resized_crop,
        "resize": _resize,
        "rotate": _rotate,
        "scale_jitter": _jitter_of_scale,
        "solarize": _solarize,
        "trivial_augment": _trivial,
    }
)
