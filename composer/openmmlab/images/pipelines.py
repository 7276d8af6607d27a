"""Pipelines of transforms as the steps of ``preprocess``, and those steps as a pipeline of mmcv 2."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from composer.graph import Preprocess, thaw
from composer.openmmlab.images.data_sets import TestedImages
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.notes import left_to_caller
from composer.openmmlab.plain import plain
from composer.problems import Problem

__all__ = [
    "PACKING",
    "TRANSFORMS",
    "Colour",
    "PipelineSteps",
    "Reading",
    "Settings",
    "Transform",
    "normalise",
    "normalises_itself",
    "read_pipeline",
    "write_pipeline",
]

Colour = Literal["bgr", "rgb", "gray"]
Settings = Mapping[str, Any]

_ORDER = ("resize", "crop", "pad", "normalise")
_WHOLE_SCALE = 255.0


@dataclass
class Reading:
    """The steps read so far.

    Args:
        colour: The order of the channels as they are now; None where it is not known.
        height_first: Whether sizes are height and width, as in mmcls 0.x and mmdet 2.x, and not width and height.
        of_torchvision: Whether transforms of a bare name are torchvision's, on Pillow's images.
        scale: What a wrapper says images are resized to, width and height.
        flips: Whether a wrapper settles if images are flipped.
        unit: Whether values are from 0 to 1.
        steps: Steps of ``preprocess`` by name.
        numbers: ``mean`` and ``std`` on the scale to 255.
        notes: What is not read.
        done: The kinds of steps so far.
        padded_after: Whether the padding was filled after the normalisation.
        pad_colour: The order of the channels when it was.
    """

    colour: Colour | None
    height_first: bool = False
    of_torchvision: bool = False
    scale: Any = None
    flips: bool = False
    unit: bool = False
    steps: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    padded_after: bool = False
    pad_colour: Colour | None = None

    def note(self, place: str, text: str) -> None:
        """Report what is not read."""
        self.notes.append(left_to_caller(place, text))

    def take(self, place: str, kind: str, step: str, found: Settings) -> None:
        """Note the steps that a transform is, unless they would come in another order than ``preprocess`` has."""
        if any(_ORDER.index(step) < _ORDER.index(other) for other in self.done):
            text = f"{kind} comes after {self.done[-1]}, which preprocess does later: it is left out"
            self.note(place, text)
        elif step in self.done:
            self.note(place, f"{kind} is a second {step}, and preprocess has one: it is left out")
        else:
            self.done.append(step)
            self.steps |= found

    def settings(self, place: str, kind: str, given: Settings, known: Collection[str]) -> None:
        """Report the settings of a transform that are none of these."""
        strange = [key for key in given if key not in known]
        if strange:
            named = ", ".join(f"{key}={plain(given[key])!r:.40}" for key in strange)
            self.note(place, f"these settings of {kind} are not read: {named}")

    def level(self, value: float) -> float:
        """A value on the scale to 255."""
        return round(value * _WHOLE_SCALE, 6) if self.unit else float(value)


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
        reading.note(place, text)
    if given.get("to_float32"):
        reading.note(place, "to_float32 is not read: resized images are rounded to whole levels")


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
        reading.note(place, f"{kind} with {shown!r:.120} is no resize of preprocess: images are not resized by it")
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
        reading.note(place, f"{kind} rounds sizes down, preprocess to the nearest: they may differ by one pixel")


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
        reading.note(place, f"found the size {size!r:.60} of {kind}, expected one number or two: nothing is cut out")
        return
    if given.get("auto_pad"):
        reading.note(place, "auto_pad is not read: an image that is smaller than the crop is refused")
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
        reading.note(place, f"found crop_size={plain(size)!r:.40} and crop_padding={plain(padding)!r:.40}: not read")
        return
    usual = "bilinear" if given.get("efficientnet_style") else "bicubic"
    how = _how(reading, place, kind, {"interpolation": usual, **given})
    before = [step for step in ("resize", "crop") if step in reading.done]
    if before:
        reading.note(place, f"{kind} comes after a {before[0]}, and preprocess has one: it is left out")
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
        reading.note(place, f"{kind} with {shown!r:.120} is no pad of preprocess: images are not padded by it")
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
            reading.note(f"{place}.{key}", f"found {value!r:.60}, expected one number a channel: it is not read")
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
        reading.note(place, f"{kind} flips images at random: they are not flipped")


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
        reading.note(place, text)
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
            reading.note(here, f"found {plain(step)!r:.60}, expected a dict with a type: it is not read")
        elif kind in _TRIED:
            _read_tried(reading, step, here, kind)
        elif kind in _LISTS and isinstance(step.get("transforms"), list | tuple):
            _read(reading, step["transforms"], f"{here}.transforms")
        elif kind in TRANSFORMS:
            TRANSFORMS[kind](reading, here, kind, step)
        elif kind not in PACKING:
            reading.note(here, f"{kind} is no step of preprocess that is known: images are prepared without it")


def _read_tried(reading: Reading, step: Mapping[str, Any], place: str, kind: str) -> None:
    """A wrapper that tries several versions of an image: the first of each is read."""
    scales = plain(step.get("img_scale", step.get("scale_factor")))
    several = isinstance(scales, list) and len(scales) > 1 and all(isinstance(one, list) for one in scales)
    if several or step.get("flip"):
        reading.note(place, f"{kind} answers for several versions of an image: one is read, the first, not flipped")
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
