"""Transforms of images, one by one, as the steps of a recipe."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from composer.openmmlab.recipes.settings import Settings
from composer.training.augment.colours import AXES, SPREAD
from composer.training.augment.policies import SIGNED
from composer.training.augment.step import Step

__all__ = ["TRANSFORMS", "Drawn", "Found"]

Found = Iterable[tuple[str, dict[str, Any]]]
"""Names of steps with their parameters."""

_OF_PILLOW = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
_LENGTHS = 16  # pixels from one length to the next where any may be drawn


@dataclass
class Drawn:
    """What was read of a pipeline so far.

    Args:
        height_first: Whether sizes are height and width, as in mmcls 0.x and mmdet 2.x, and not width and height.
        mean: The input's mean as a colour, which gaps have by default.
        steps: Name, parameters and the step itself.
        second: How the pixels of a second image of the same crop are made; empty for as the first, None for none.
        mask: How patches are hidden.
    """

    height_first: bool = False
    mean: tuple[int, ...] = (0,)
    steps: list[tuple[str, dict[str, Any], Step]] = field(default_factory=list)
    second: str | None = None
    mask: dict[str, Any] | None = None

    def sides(self, value: Any, *, height_first: bool | None = None) -> list[int] | None:
        """Height and width of a size as a config writes it; None where it is none."""
        if type(value) is int and value > 0:
            return [value, value]
        if not isinstance(value, list) or len(value) != 2 or not all(type(one) is int for one in value):
            return None
        first = self.height_first if height_first is None else height_first
        return value if first else value[::-1]

    def colour(self, value: Any, *, rgb: bool = False) -> dict[str, Any]:
        """A colour of gaps as a parameter; configs write blue first, and round the mean in their own way."""
        if isinstance(value, Mapping):
            value = value.get("img")
        levels = value if isinstance(value, list) else [value]
        if not levels or not all(isinstance(one, int | float) for one in levels):
            return {}
        found = [min(max(round(one), 0), 255) for one in (levels if rgb else levels[::-1])]
        found = found[:1] if len(set(found)) == 1 else found
        alike = found * len(self.mean) if len(found) == 1 else found
        if len(alike) == len(self.mean) and all(abs(a - b) <= 1 for a, b in zip(alike, self.mean, strict=True)):
            found = list(self.mean)
        return {"fill": found if len(found) > 1 else found[0]}


Transform = Callable[[Settings, Drawn], Found]


def _sized(size: list[int] | None) -> dict[str, Any]:
    return {} if size is None else {"size": size}


def _interpolation(one: Settings, key: str = "interpolation") -> dict[str, Any]:
    value = one.take(key)
    if value is None:
        return {}
    name = _OF_PILLOW[value] if type(value) is int and 0 <= value < 6 else str(value).rpartition(".")[2].lower()
    if name in ("area", "random"):
        one.meant(key, f"{name} there, bilinear with antialiasing here")
        name = "bilinear"
    return {"interpolation": name}


def _share(one: Settings, *keys: str, default: float) -> float:
    for key in keys:
        value = one.take(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if value is not None:
            one.report.left(one.at(key), f"found {value!r:.60}, expected a probability")
    return default


def _random_resized_crop(one: Settings, drawn: Drawn) -> Found:
    """Mmcv's names (``scale`` is the size, ``crop_ratio_range`` the area), and torchvision's (``size``, ``scale``)."""
    scale, size = one.take("scale"), one.take("size")
    area, ratio = one.take("crop_ratio_range"), one.take("aspect_ratio_range", one.take("ratio"))
    if size is None:
        size = drawn.sides(scale, height_first=False)
    else:
        size, area = drawn.sides(size, height_first=True), area or scale
    one.beside("max_attempts", "antialias")
    if one.take("efficientnet_style") or one.kind == "EfficientNetRandomCrop":
        one.meant("type", "TensorFlow draws crops a little otherwise; here they are torchvision's")
        one.beside("min_covered", "crop_padding")
    params = _sized(size)
    if isinstance(area, list):
        params["scale"] = [float(share) for share in area]
    if isinstance(ratio, list):
        params["ratio"] = [float(share) for share in ratio]
    yield "random_resized_crop", params | _interpolation(one)


def _two_images(one: Settings, drawn: Drawn) -> Found:
    """BEiT's and CAE's crop, shown in two sizes."""
    second = _interpolation(one, "second_interpolation").get("interpolation", "lanczos")
    first = one.data.get("interpolation", "bilinear")
    drawn.second = "" if second == first else second
    one.take("second_size")
    return _random_resized_crop(one, drawn)


def _flip(one: Settings, drawn: Drawn) -> Found:
    share = _share(one, "prob", "flip_ratio", "flip_prob", "p", default=0.5)
    direction = one.take("direction", "horizontal")
    both = isinstance(direction, list) and len(direction) > 1
    name = direction[0] if isinstance(direction, list) and direction else direction
    if both:
        one.meant("direction", "at most one of the directions is drawn there, each by itself here")
        name, share = "both", share / len(direction)
    if name == "diagonal":
        one.drop("images are not flipped along the diagonal in a recipe")
    elif share:
        yield "flip", {"p": share, "direction": name}


def _vertical_flip(one: Settings, drawn: Drawn) -> Found:
    yield "flip", {"p": _share(one, "p", default=0.5), "direction": "vertical"}


def _random_crop(one: Settings, drawn: Drawn) -> Found:
    kind = one.take("crop_type", "absolute")
    size = one.take("crop_size", one.take("size"))
    one.beside("allow_negative_crop", "recompute_bbox", "pad_if_needed")
    if kind == "absolute_range" and isinstance(size, list):
        yield "random_crop_range", {"sides": size}
        return
    if kind != "absolute":
        one.drop(f"crops of type {kind!r} are none of a recipe's steps: images are trained on without them")
        return
    params = _sized(drawn.sides(size, height_first=True if "size" in one.data else None))
    padding = one.take("padding")
    if isinstance(padding, int):
        params["padding"] = padding
    elif isinstance(padding, list) and padding:
        params["padding"] = padding if len(padding) == 4 else [padding[0], padding[-1]] * 2
    mode = one.take("padding_mode", "constant")
    fill = one.take("pad_val", one.take("fill"))
    if mode != "constant":
        params["padding_mode"] = mode
    elif fill is not None or padding:
        params |= drawn.colour(0 if fill is None else fill)
    yield "random_crop", params


def _center_crop(one: Settings, drawn: Drawn) -> Found:
    size = one.take("crop_size", one.take("size"))
    one.beside("efficientnet_style", "crop_padding")
    yield "center_crop", _sized(drawn.sides(size)) | _interpolation(one)


def _resize(one: Settings, drawn: Drawn) -> Found:
    """``Resize`` of mmcv, mmcls, mmdet and torchvision, and mmdet 2's several scales."""
    scale = one.take("scale", one.take("img_scale"))
    own, mode, ratios = one.take("size"), one.take("multiscale_mode", "range"), one.take("ratio_range")
    how = _interpolation(one)
    one.beside("override", "adaptive_side", "antialias")
    keep = one.take("keep_ratio") if "keep_ratio" in one.data else "img_scale" in one.data
    if ratios:
        yield from _jittered(one, drawn, scale, ratios)
    elif isinstance(scale, list) and scale and isinstance(scale[0], list):
        yield from _several(one, scale, mode, how, keep=bool(keep))
    elif own is not None:
        yield "resize", {"size": _of_torchvision(own, drawn)} | how
    elif scale is not None:
        yield from _to_scale(one, drawn, scale, how, keep=bool(keep))
    else:
        one.drop("it says no size: images are trained on without it")


def _of_torchvision(value: Any, drawn: Drawn) -> Any:
    """``size`` of torchvision and mmcls 0.x: one number, or a second of -1, is the shorter edge."""
    if isinstance(value, list) and len(value) == 2 and value[1] == -1:
        return value[0]
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _to_scale(one: Settings, drawn: Drawn, scale: Any, how: dict[str, Any], *, keep: bool) -> Found:
    """``scale`` of mmcv: width and height that are reached, or kept within where the ratio is kept."""
    if isinstance(scale, list) and len(scale) == 2 and keep:
        yield "resize", {"size": min(scale), "max_size": max(scale)} | how
        return
    size = drawn.sides(scale, height_first=False)
    if size is None:
        one.drop(f"found the size {scale!r:.60}, expected width and height: images are trained on without it")
        return
    yield "resize", {"size": size} | how


def _edge(one: Settings, drawn: Drawn) -> Found:
    edge = one.take("edge", "short")
    if edge != "short":
        one.meant("edge", f"the edge {edge} becomes as long there, the shorter one here")
    yield "resize", {"size": one.take("scale")} | _interpolation(one)


def _shortest(one: Settings, drawn: Drawn) -> Found:
    longest = one.take("max_size")
    yield "resize", {"size": one.take("scale")} | ({"max_size": longest} if longest else {}) | _interpolation(one)


def _choice(one: Settings, drawn: Drawn) -> Found:
    scales = one.take("scales")
    one.beside("resize_type")
    keep = one.take("keep_ratio", False)
    how = _interpolation(one)
    if not isinstance(scales, list) or not scales:
        one.drop("it says no sizes: images are trained on without it")
        return
    yield from _several(one, scales, "value", how, keep=bool(keep))


def _random_resize(one: Settings, drawn: Drawn) -> Found:
    scale, ratios = one.take("scale"), one.take("ratio_range")
    one.beside("resize_type")
    keep = one.take("keep_ratio", False)
    how = _interpolation(one)
    if ratios:
        yield from _jittered(one, drawn, scale, ratios)
    elif isinstance(scale, list) and scale and isinstance(scale[0], list):
        yield from _several(one, scale, "range", how, keep=bool(keep))
    else:
        yield from _to_scale(one, drawn, scale, how, keep=bool(keep))


def _several(one: Settings, scales: list[Any], mode: str, how: dict[str, Any], *, keep: bool) -> Found:
    """Several sizes, of which one is drawn: the shorter edge in a recipe."""
    pairs = [one_of if isinstance(one_of, list) else [one_of, one_of] for one_of in scales]
    if not keep:
        one.meant("keep_ratio", "the ratio changes there, and is kept here")
    short, longest = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    if len(set(longest)) > 1:
        one.meant("scales", f"the longer edge is at most {longest} there, and {max(longest)} here")
    if mode == "range" and len(set(short)) > 1:
        low, high = min(short), max(short)
        one.meant("scale", f"any length from {low} to {high} is drawn there, one of every {_LENGTHS}th here")
        short = [*range(low, high, _LENGTHS), high]
    yield "multi_scale_resize", {"short": short, "max_size": max(longest)} | how


def _jittered(one: Settings, drawn: Drawn, scale: Any, ratios: Any) -> Found:
    """A size times a random factor."""
    size = drawn.sides(scale, height_first=False)
    if size is None or not isinstance(ratios, list) or len(ratios) != 2:
        one.drop(f"found the size {scale!r:.60} times {ratios!r:.30}: images are trained on without it")
        return
    yield "scale_jitter", {"size": size, "ratio_range": [float(ratio) for ratio in ratios]}


def _pad(one: Settings, drawn: Drawn) -> Found:
    divisor = one.whole("size_divisor")
    size = drawn.sides(one.take("size"))
    fill = one.take("pad_val")
    one.beside("padding_mode", "eval_pad_val")
    if one.take("pad_to_square"):
        one.drop("an image is not padded to a square in a recipe: preprocess of the input pads")
    elif size is not None:
        yield "pad", {"size": size} | drawn.colour(0 if fill is None else fill)
    elif divisor is not None:
        one.beside("size_divisor")  # images of a batch are padded alike by preprocess


def _color_jitter(one: Settings, drawn: Drawn) -> Found:
    found = {key: one.take(key) for key in ("brightness", "contrast", "saturation", "hue") if key in one}
    share = _share(one, "prob", "p", default=1.0)
    yield "color_jitter", {key: value for key, value in found.items() if value} | ({"p": share} if share < 1 else {})


def _grayscale(one: Settings, drawn: Drawn) -> Found:
    one.beside("keep_channels", "channel_weights", "color_format", "num_output_channels")
    yield "grayscale", {"p": _share(one, "prob", "p", default=0.1)}


def _blur(one: Settings, drawn: Drawn) -> Found:
    """Mmpretrain's (``magnitude_range``), mmselfsup's (``sigma_min``) and torchvision's (``sigma``)."""
    pair = one.take("magnitude_range", one.take("sigma"))
    low, high = one.number("sigma_min", 0.1) or 0.1, one.number("sigma_max", 2.0) or 2.0
    one.usual("magnitude_std", "inf")
    one.beside("kernel_size", "radius", "magnitude", "pad_val", "bin")
    share = _share(one, "prob", "p", default=0.5)
    sigma = pair if isinstance(pair, list) else [float(low), float(high)]
    if share:
        yield "gaussian_blur", {"sigma": sigma, "p": share}


def _solarize(one: Settings, drawn: Drawn) -> Found:
    share = _share(one, "prob", "p", default=0.5)
    threshold = one.take("thr", one.take("threshold", 128))
    if share:
        yield "solarize", {"threshold": threshold, "p": share}


_INCREASING = frozenset(
    {
        *("AutoContrast", "Equalize", "Invert", "Rotate", "Posterize", "Solarize", "SolarizeAdd", "ColorTransform"),
        *("Contrast", "Brightness", "Sharpness", "Shear", "Translate"),
    }
)
"""The operations of timm's increasing policies, by mmpretrain's names."""


def _rand_augment(one: Settings, drawn: Drawn) -> Found:
    policies = one.take("policies")
    if "aug_space" in one or policies is None:
        one.drop("the operations of mmdet's RandAugment are not those of a recipe's rand_augment")
        return
    if isinstance(policies, list):
        kinds = {str(item.get("type")).rpartition(".")[2] for item in policies if isinstance(item, Mapping)}
        if kinds != _INCREASING:
            differing = ", ".join(sorted(kinds ^ _INCREASING))
            one.meant("policies", f"rand_augment has timm's 15 operations; these are there or here alone: {differing}")
    elif policies != "timm_increasing":
        one.report.left(one.at("policies"), f"found {policies!r:.40}: rand_augment has timm's increasing operations")
    about = one.inside("hparams")
    total = one.number("total_level") or (30.0 if isinstance(policies, list) else 10.0)
    level = one.number("magnitude_level", 9.0) or 0.0
    spread = one.take("magnitude_std")
    params: dict[str, Any] = {"num_ops": one.whole("num_policies", 2)}
    params["magnitude"] = float(f"{min(level * 10 / total, 10):.6g}")
    if isinstance(spread, int | float):
        params["magnitude_std"] = float(f"{spread * 10 / total:.6g}")
    elif spread is not None:
        one.report.left(one.at("magnitude_std"), f"found {spread!r}: the strength varies by a normal distribution")
    else:
        params["magnitude_std"] = 0.0
    params |= drawn.colour(about.take("pad_val", 128))
    how = _interpolation(about).get("interpolation", "nearest")
    about.close()
    yield "rand_augment", params | {"interpolation": how}


_IMAGENET = "imagenet"


def _auto_augment(one: Settings, drawn: Drawn) -> Found:
    """The policy of ImageNet; lists of one's own are read where they stand."""
    policies = one.take("policies", one.take("policy"))
    about = one.inside("hparams")
    params = drawn.colour(about.take("pad_val", 128))
    how = _interpolation(about)
    about.close()
    if policies != _IMAGENET:
        one.drop(f"found {policies!r:.40}: auto_augment has ImageNet's policy: images are trained on without it")
        return
    if not how:
        one.meant("policies", "shears are bicubic and turns nearest there, all are nearest here")
    yield "auto_augment", params | {"interpolation": "nearest"} | how


def _operation(name: str, key: str = "") -> Transform:
    """An operation of mmpretrain's AutoAugment.

    Args:
        name: What a recipe calls it; directions are added.
        key: What its strength is called; empty where it has none.
    """

    def transform(one: Settings, drawn: Drawn) -> Found:
        if "level" in one:
            one.drop(f"mmdet's {one.kind} has levels of its own: images are trained on without it")
            return
        params: dict[str, Any] = {"p": _share(one, "prob", default=0.5)}
        amount = one.take(key) if key else None
        amount = _amount(one) if key and amount is None else amount
        direction = one.take("direction", "horizontal")
        params["name"] = f"{name}_{'x' if direction == 'horizontal' else 'y'}" if name in _DIRECTED else name
        one.usual("center", None)
        one.usual("scale", 1, 1.0)
        one.usual("thr", 128)
        if key and not isinstance(amount, int | float):
            one.drop(f"found the strength {amount!r:.40}, expected a number: images are trained on without it")
            return
        if key:
            params["amount"] = float(f"{amount:.9g}")
        params |= {"negative": _share(one, "random_negative_prob", default=0.5)} if params["name"] in SIGNED else {}
        if name in (*_DIRECTED, "rotate"):
            params |= drawn.colour(one.take("pad_val", 128))
            params |= {"interpolation": "bicubic" if name == "shear" else "nearest"} | _interpolation(one)
        one.beside("pad_val", "interpolation", "random_negative_prob")
        yield "operation", params

    return transform


_DIRECTED = ("shear", "translate")


def _amount(one: Settings) -> float | None:
    """A strength that is given as a level in a range."""
    bounds, level = one.take("magnitude_range"), one.number("magnitude_level", 10.0) or 0.0
    total = one.number("total_level", 10.0) or 10.0
    one.usual("magnitude_std", 0, 0.0)
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(isinstance(end, int | float) for end in bounds):
        return None
    return float(bounds[0] + (bounds[1] - bounds[0]) * level / total)


def _lighting(one: Settings, drawn: Drawn) -> Found:
    """The noise of colours along ImageNet's main axes; other axes are none of a recipe's."""
    spread, axes = one.take("eigval"), one.take("eigvec")
    rows = axes if one.take("to_rgb", False) else axes[::-1] if isinstance(axes, list) else axes
    if spread != list(SPREAD) or rows != [list(row) for row in AXES]:
        one.drop("lighting of a recipe has the axes of ImageNet's colours: images are trained on without it")
        return
    yield "lighting", {"deviation": one.number("alphastd", 0.1)}


def _hsv(one: Settings, drawn: Drawn) -> Found:
    """YOLOX's: the hue in units of two degrees."""
    hue = one.number("hue_delta", 5) or 0
    levels = {key: one.whole(f"{key}_delta", 30, low=0, high=255) for key in ("saturation", "value")}
    yield "hsv_jitter", {"hue": 2 * hue, **levels}


def _of_timm(one: Settings, drawn: Drawn) -> Found:
    """``RandomAug`` of mmselfsup: timm's whole pipeline of training."""
    one.beside("input_size", "mean", "std", "re_count", "no_aug", "vflip", "hflip")
    yield "random_resized_crop", _interpolation(one)
    yield "flip", {}
    words = str(one.take("auto_augment", "")).split("-")
    jitter = one.take("color_jitter")
    if words[0] == "rand":
        numbers = {word.rstrip("0123456789."): word.lstrip("abcdefghijklmnopqrstuvwxyz") for word in words[1:]}
        params = {"magnitude": float(numbers.get("m", 9)), "magnitude_std": float(numbers.get("mstd", 0.5))}
        yield "rand_augment", params | {"num_ops": int(numbers.get("n", 2))}
    elif jitter:
        yield "color_jitter", {"brightness": jitter, "contrast": jitter, "saturation": jitter}
    share, mode = _share(one, "re_prob", default=0.0), one.take("re_mode", "const")
    if share:
        yield "random_erasing", {"p": share, "mode": "constant" if mode == "const" else "noise", "scale": [0.02, 1 / 3]}


def _trivial(one: Settings, drawn: Drawn) -> Found:
    one.usual("num_magnitude_bins", 31)
    one.beside("fill")
    yield "trivial_augment", _interpolation(one)


def _erasing(one: Settings, drawn: Drawn) -> Found:
    """Mmpretrain's names, and torchvision's."""
    share = _share(one, "erase_prob", "p", default=0.5)
    area = one.take("scale", [one.number("min_area_ratio", 0.02), one.number("max_area_ratio", 0.4)])
    ratio = one.take("aspect_range", one.take("ratio", [3 / 10, 10 / 3]))
    if isinstance(ratio, int | float):
        ratio = sorted([ratio, 1 / ratio])
    params: dict[str, Any] = {"p": share, "scale": _rounded(area), "ratio": _rounded(ratio)}
    if one.take("mode", "const") in ("rand", "pixel"):
        params["mode"] = "noise"
    fill = one.take("fill_color")
    params |= drawn.colour(fill) if fill is not None else {}
    spread = one.take("fill_std")
    if spread is not None and not all(50 < level < 65 for level in (spread if isinstance(spread, list) else [spread])):
        one.meant("fill_std", f"found {spread}, about 58 here")
    one.beside("value")
    yield "random_erasing", params


def _rounded(numbers: Any) -> Any:
    if not isinstance(numbers, list) or not all(isinstance(one, int | float) for one in numbers):
        return numbers
    return [float(f"{one:.4g}") for one in numbers]


def _photometric(one: Settings, drawn: Drawn) -> Found:
    keys = ("brightness_delta", "contrast_range", "saturation_range", "hue_delta")
    yield "photometric_distortion", {key: one.take(key) for key in keys if key in one}


def _expand(one: Settings, drawn: Drawn) -> Found:
    mean, rgb = one.take("mean", 0), one.take("to_rgb", True)
    share = _share(one, "prob", default=0.5)
    one.beside("seg_ignore_label")
    ratios = one.take("ratio_range", [1, 4])
    yield "expand", {"p": share, "ratio_range": ratios} | drawn.colour(mean, rgb=bool(rgb))


def _min_iou(one: Settings, drawn: Drawn) -> Found:
    yield "min_iou_random_crop", {key: one.take(key) for key in ("min_ious", "min_crop_size") if key in one}


def _rotate(one: Settings, drawn: Drawn) -> Found:
    degrees = one.take("degrees", one.take("degree", one.take("angle", 10)))
    one.beside("expand", "center", "fill", "pad_val", "resample")
    share = _share(one, "prob", "p", default=1.0)
    yield "rotate", {"degrees": degrees} | ({"p": share} if share < 1 else {}) | _interpolation(one)


def _affine(one: Settings, drawn: Drawn) -> Found:
    """Mmdet's names; with a border it cuts a mosaic, which a recipe does not make."""
    if any(one.take("border", [0, 0])):
        one.drop("it cuts out of a mosaic, which a recipe does not make: images are trained on without it")
        return
    shift = one.number("max_translate_ratio", 0.1)
    params: dict[str, Any] = {"degrees": one.number("max_rotate_degree", 10), "translate": [shift, shift]}
    params["scale"] = one.take("scaling_ratio_range", [0.5, 1.5])
    params["shear"] = one.number("max_shear_degree", 2)
    yield "affine", params | drawn.colour(one.take("border_val", 114))


def _filter(one: Settings, drawn: Drawn) -> Found:
    """Boxes that are left too small: a recipe drops those of less than a pixel."""
    least = one.take("min_gt_bbox_wh", [1, 1])
    if isinstance(least, list) and max(least) > 1:
        one.meant("min_gt_bbox_wh", f"boxes of less than {least} go there, and those of less than a pixel here")
    one.beside("keep_empty", "by_box", "by_mask", "min_gt_mask_area")
    return ()


def _blocks(one: Settings, drawn: Drawn) -> Found:
    """BEiT's blocks of hidden patches."""
    one.beside("input_size", "max_aspect")
    found = {"count": one.whole("num_masking_patches"), "min_block": one.whole("min_num_patches")}
    found["max_block"] = one.whole("max_num_patches")
    aspect = one.number("min_aspect")
    hidden: dict[str, Any] = {key: value for key, value in found.items() if value is not None}
    drawn.mask = {"block": hidden | ({"min_aspect": aspect} if aspect is not None else {})}
    return ()


def _squares(one: Settings, drawn: Drawn) -> Found:
    """SimMIM's squares of hidden patches."""
    one.beside("input_size")
    square, patch = one.whole("mask_patch_size", 32) or 32, one.whole("model_patch_size", 4) or 4
    drawn.mask = {"random": {"ratio": one.number("mask_ratio", 0.6, high=1), "unit": max(square // patch, 1)}}
    return ()


def _share_of_blocks(one: Settings, drawn: Drawn) -> Found:
    """MaskFeat's blocks of hidden patches."""
    one.beside("input_size", "mask_window_size", "feature_size")
    found: dict[str, Any] = {"ratio": one.number("mask_ratio", 0.4, high=1)}
    least = one.whole("min_mask_patches")
    drawn.mask = {"block": found | ({"min_block": least} if least is not None else {})}
    return ()


def _identity(one: Settings, drawn: Drawn) -> Iterator[tuple[str, dict[str, Any]]]:
    return iter(())


TRANSFORMS: Mapping[str, Transform] = MappingProxyType(
    {
        "AutoAugment": _auto_augment,
        "AutoContrast": _operation("auto_contrast"),
        "BEiTMaskGenerator": _blocks,
        "Brightness": _operation("brightness", "magnitude"),
        "CenterCrop": _center_crop,
        "ColorJitter": _color_jitter,
        "ColorTransform": _operation("color", "magnitude"),
        "Contrast": _operation("contrast", "magnitude"),
        "EfficientNetRandomCrop": _random_resized_crop,
        "Equalize": _operation("equalize"),
        "Expand": _expand,
        "FilterAnnotations": _filter,
        "GaussianBlur": _blur,
        "Identity": _identity,
        "Invert": _operation("invert"),
        "Lighting": _lighting,
        "MAERandomResizedCrop": _random_resized_crop,
        "MaskFeatMaskGenerator": _share_of_blocks,
        "MinIoURandomCrop": _min_iou,
        "Pad": _pad,
        "PhotoMetricDistortion": _photometric,
        "Posterize": _operation("posterize", "bits"),
        "RandAugment": _rand_augment,
        "RandomAffine": _affine,
        "RandomAug": _of_timm,
        "RandomChoiceResize": _choice,
        "RandomCrop": _random_crop,
        "RandomErasing": _erasing,
        "RandomFlip": _flip,
        "RandomGaussianBlur": _blur,
        "RandomGrayscale": _grayscale,
        "RandomHorizontalFlip": _flip,
        "RandomResize": _random_resize,
        "RandomResizedCrop": _random_resized_crop,
        "RandomResizedCropAndInterpolationWithTwoPic": _two_images,
        "RandomRotation": _rotate,
        "RandomSolarize": _solarize,
        "RandomVerticalFlip": _vertical_flip,
        "Resize": _resize,
        "ResizeEdge": _edge,
        "ResizeShortestEdge": _shortest,
        "Rotate": _operation("rotate", "angle"),
        "Sharpness": _operation("sharpness", "magnitude"),
        "Shear": _operation("shear", "magnitude"),
        "SimMIMMaskGenerator": _squares,
        "Solarization": _solarize,
        "Solarize": _solarize,
        "SolarizeAdd": _operation("solarize_add", "magnitude"),
        "Translate": _operation("translate", "magnitude"),
        "TrivialAugmentWide": _trivial,
        "YOLOXHSVRandomAug": _hsv,
    }
)
"""By the name of their type, without ``torchvision/``."""
