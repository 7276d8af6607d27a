"""Operations on images by name, and steps that choose among them: AutoAugment, RandAugment and TrivialAugment."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, cast, get_args

from annotated_types import Ge, Interval
from PIL import Image, ImageEnhance, ImageOps

from composer.training.augment import colours, geometry
from composer.training.augment.sample import Sample
from composer.training.augment.step import Fill, Share, Step
from composer.training.augment.turns import affine_matrix

__all__ = ["SIGNED", "AutoAugment", "Operation", "OperationName", "RandAugment", "TrivialAugment"]

_STRONGEST = 10.0  # the strongest magnitude of RandAugment
_BINS = 30  # of TrivialAugment: magnitudes 0 to 30


@dataclass(frozen=True, slots=True)
class _Look:
    """How gaps are filled.

    Args:
        fill: Their colour.
        interpolation: How pixels between others are made.
    """

    fill: Sequence[int]
    interpolation: str


def _turn(sample: Sample, amount: float, look: _Look) -> Sample:
    return geometry.transform(sample, affine_matrix(sample, angle=-amount), look.fill, look.interpolation)


def _sheared(sample: Sample, across: float, down: float, look: _Look) -> Sample:
    height, width = sample.image_size
    matrix = (1.0, across, -across * height / 2, down, 1.0, -down * width / 2)
    return geometry.transform(sample, matrix, look.fill, look.interpolation)


def _shifted(sample: Sample, across: float, down: float, look: _Look) -> Sample:
    return geometry.transform(sample, (1.0, 0.0, -across, 0.0, 1.0, -down), look.fill, look.interpolation)


Change = Callable[[Sample, float, _Look], Sample]


def _colour(change: Callable[[Image.Image, float], Image.Image]) -> Change:
    """An operation that changes the image alone."""

    def operation(sample: Sample, amount: float, _: _Look) -> Sample:
        sample.image = change(cast(Image.Image, sample.image), amount)
        return sample

    return operation


def _raised(image: Image.Image, amount: float) -> Image.Image:
    """Levels below the middle raised."""
    table = [min(level + round(amount), 255) if level < 128 else level for level in range(256)]
    return image.point(table * len(image.getbands()))


# What an operation does with its amount, in its own unit.
_OPERATIONS: Mapping[str, Change] = MappingProxyType(
    {
        "identity": lambda sample, _, __: sample,
        "auto_contrast": _colour(lambda image, _: ImageOps.autocontrast(image)),
        "equalize": _colour(lambda image, _: ImageOps.equalize(image)),
        "invert": _colour(lambda image, _: ImageOps.invert(image)),
        "rotate": _turn,
        "posterize": _colour(lambda image, bits: image if bits >= 8 else ImageOps.posterize(image, math.ceil(bits))),
        "solarize": _colour(lambda image, level: ImageOps.solarize(image, round(level))),
        "solarize_add": _colour(_raised),
        "color": _colour(lambda image, more: colours.saturation(image, 1 + more)),
        "contrast": _colour(lambda image, more: colours.contrast(image, 1 + more)),
        "brightness": _colour(lambda image, more: colours.brightness(image, 1 + more)),
        "sharpness": _colour(lambda image, more: ImageEnhance.Sharpness(image).enhance(1 + more)),
        "shear_x": lambda sample, slope, look: _sheared(sample, slope, 0, look),
        "shear_y": lambda sample, slope, look: _sheared(sample, 0, slope, look),
        "translate_x": lambda sample, share, look: _shifted(sample, share * sample.image_size[1], 0, look),
        "translate_y": lambda sample, share, look: _shifted(sample, 0, share * sample.image_size[0], look),
        "shift_x": lambda sample, pixels, look: _shifted(sample, pixels, 0, look),
        "shift_y": lambda sample, pixels, look: _shifted(sample, 0, pixels, look),
    }
)

# What magnitudes 0 and 10 mean, and whether the sign is drawn (timm's and mmpretrain's increasing policies).
_RAND: Mapping[str, tuple[float, float, bool]] = MappingProxyType(
    {
        "auto_contrast": (0, 0, False),
        "equalize": (0, 0, False),
        "invert": (0, 0, False),
        "rotate": (0, 30, True),
        "posterize": (4, 0, False),
        "solarize": (256, 0, False),
        "solarize_add": (0, 110, False),
        "color": (0, 0.9, True),
        "contrast": (0, 0.9, True),
        "brightness": (0, 0.9, True),
        "sharpness": (0, 0.9, True),
        "shear_x": (0, 0.3, True),
        "shear_y": (0, 0.3, True),
        "translate_x": (0, 0.45, True),
        "translate_y": (0, 0.45, True),
    }
)

# What bins 0 and 30 mean (TrivialAugment Wide, table 6 of the paper).
_TRIVIAL: Mapping[str, tuple[float, float, bool]] = MappingProxyType(
    {
        "identity": (0, 0, False),
        "auto_contrast": (0, 0, False),
        "equalize": (0, 0, False),
        "rotate": (0, 135, True),
        "posterize": (8, 2, False),
        "solarize": (256, 0, False),
        "color": (0, 0.99, True),
        "contrast": (0, 0.99, True),
        "brightness": (0, 0.99, True),
        "sharpness": (0, 0.99, True),
        "shear_x": (0, 0.99, True),
        "shear_y": (0, 0.99, True),
        "shift_x": (0, 32, True),
        "shift_y": (0, 32, True),
    }
)


OperationName = Literal[
    "auto_contrast",
    "brightness",
    "color",
    "contrast",
    "equalize",
    "invert",
    "posterize",
    "rotate",
    "sharpness",
    "shear_x",
    "shear_y",
    "solarize",
    "solarize_add",
    "translate_x",
    "translate_y",
]

SIGNED: frozenset[str] = frozenset(name for name in get_args(OperationName) if _RAND[name][2])
"""The operations whose amount may be turned around."""

# Sub-policies of two operations, each with its probability and its level (arXiv:1805.09501, table 9).
_IMAGENET: tuple[tuple[tuple[str, float, int], tuple[str, float, int]], ...] = (
    (("posterize", 0.4, 8), ("rotate", 0.6, 9)),
    (("solarize", 0.6, 5), ("auto_contrast", 0.6, 5)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
    (("posterize", 0.6, 7), ("posterize", 0.6, 6)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("equalize", 0.4, 4), ("rotate", 0.8, 8)),
    (("solarize", 0.6, 3), ("equalize", 0.6, 7)),
    (("posterize", 0.8, 5), ("equalize", 1.0, 2)),
    (("rotate", 0.2, 3), ("solarize", 0.6, 8)),
    (("equalize", 0.6, 8), ("posterize", 0.4, 6)),
    (("rotate", 0.8, 8), ("color", 0.4, 0)),
    (("rotate", 0.4, 9), ("equalize", 0.6, 2)),
    (("equalize", 0.0, 7), ("equalize", 0.8, 8)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("rotate", 0.8, 8), ("color", 1.0, 2)),
    (("color", 0.8, 8), ("solarize", 0.8, 7)),
    (("sharpness", 0.4, 7), ("invert", 0.6, 8)),
    (("shear_x", 0.6, 5), ("equalize", 1.0, 9)),
    (("color", 0.4, 0), ("equalize", 0.6, 3)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("solarize", 0.6, 5), ("auto_contrast", 0.6, 5)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
)

# What levels 0 and 9 mean there.
_AUTO: Mapping[str, tuple[float, float, bool]] = MappingProxyType({**_RAND, "posterize": (8, 4, False)})
_LEVELS = 9


class AutoAugment(Step):
    """One of 25 pairs of operations that were found on ImageNet (arXiv:1805.09501, table 9).

    Each operation has its own probability and amount; turns, shears and shifts of color go either way. Boxes and masks
    follow.

    Args:
        policy: Whose pairs.
        fill: The colour of gaps, 0-255; by default the input's mean.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True

    policy: Literal["imagenet"] = "imagenet"
    fill: Fill | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "nearest"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        look = _Look(self.fill or (0,), self.interpolation)
        for name, share, level in random.choice(_IMAGENET):
            chosen = random.random() < share
            amount = _amount(_AUTO[name], level / _LEVELS, random)
            amount = round(amount) if name == "posterize" else amount
            if chosen:
                sample = _OPERATIONS[name](sample, amount, look)
        return sample


class Operation(Step):
    """One operation of AutoAugment's set by a given amount, with a probability (arXiv:1805.09501, table 6).

    Boxes and masks follow turns, shears and shifts.

    Args:
        name: Which.
        amount: Degrees of ``rotate``, slope of shears, share of the width or height of translations, bits that
            ``posterize`` leaves, level of ``solarize``, levels of ``solarize_add``, and what is added to a factor of 1
            of the others; nothing of those that have no strength.
        p: The probability.
        negative: The probability that an amount with a sign is turned around.
        fill: The colour of gaps, 0-255; by default the input's mean.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True

    name: OperationName = "auto_contrast"
    amount: float = 0.0
    p: Share = 0.5
    negative: Share = 0.5
    fill: Fill | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "nearest"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        chosen, turned = random.random() < self.p, random.random() < self.negative
        if not chosen:
            return sample
        amount = -self.amount if turned and self.name in SIGNED else self.amount
        return _OPERATIONS[self.name](sample, amount, _Look(self.fill or (0,), self.interpolation))


class RandAugment(Step):
    """Some operations, chosen at random, of one strength (arXiv:1909.13719).

    The 15 operations and their ranges are those of timm's ``rand-m9-n2-mstd0.5-inc1``, which Swin and DeiT train with.
    Boxes and masks follow turns, shears and shifts.

    Args:
        num_ops: How many operations an image goes through.
        magnitude: Their strength, from 0 to 10.
        magnitude_std: Deviation of the strength from one operation to the next.
        prob: The probability of each.
        fill: The colour of gaps, 0-255; by default the input's mean.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True

    num_ops: Annotated[int, Ge(1)] = 2
    magnitude: Annotated[float, Interval(ge=0, le=10)] = 9
    magnitude_std: Annotated[float, Ge(0)] = 0.5
    prob: Annotated[float, Interval(ge=0, le=1)] = 0.5
    fill: Fill | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bicubic"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        look = _Look(self.fill or (0,), self.interpolation)
        for _ in range(self.num_ops):
            name = random.choice(tuple(_RAND))
            chosen = random.random() < self.prob
            strength = min(max(random.gauss(self.magnitude, self.magnitude_std), 0.0), _STRONGEST) / _STRONGEST
            amount = _amount(_RAND[name], strength, random)
            if chosen:
                sample = _OPERATIONS[name](sample, amount, look)
        return sample


class TrivialAugment(Step):
    """One operation of a random strength (TrivialAugment Wide, arXiv:2103.10158); it has nothing to tune.

    Boxes and masks follow turns, shears and shifts.

    Args:
        fill: The colour of gaps, 0-255; black by default.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True

    fill: Fill = (0,)
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "nearest"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        name = random.choice(tuple(_TRIVIAL))
        amount = _amount(_TRIVIAL[name], random.randint(0, _BINS) / _BINS, random)
        amount = round(amount) if name == "posterize" else amount
        return _OPERATIONS[name](sample, amount, _Look(self.fill, self.interpolation))


def _amount(bounds: tuple[float, float, bool], strength: float, random: Random) -> float:
    """The amount at a strength from 0 to 1, with its sign."""
    weakest, strongest, signed = bounds
    amount = weakest + (strongest - weakest) * strength
    negative = random.random() < 0.5
    return -amount if signed and negative else amount
