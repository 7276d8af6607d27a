"""Steps that choose among operations: RandAugment and TrivialAugment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, cast

from annotated_types import Ge, Interval
from PIL import Image, ImageEnhance, ImageOps

from composer.training.augment import colours, geometry
from composer.training.augment.sample import Sample
from composer.training.augment.step import Fill, Step
from composer.training.augment.turns import affine_matrix

__all__ = ["RandAugment", "TrivialAugment"]

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


Operation = Callable[[Sample, float, _Look], Sample]


def _colour(change: Callable[[Image.Image, float], Image.Image]) -> Operation:
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
_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "identity": lambda sample, _, __: sample,
        "auto_contrast": _colour(lambda image, _: ImageOps.autocontrast(image)),
        "equalize": _colour(lambda image, _: ImageOps.equalize(image)),
        "invert": _colour(lambda image, _: ImageOps.invert(image)),
        "rotate": _turn,
        "posterize": _colour(lambda image, bits: image if bits >= 8 else ImageOps.posterize(image, int(bits))),
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
        return _OPERATIONS[name](sample, amount, _Look(self.fill, self.interpolation))


def _amount(bounds: tuple[float, float, bool], strength: float, random: Random) -> float:
    """The amount at a strength from 0 to 1, with its sign."""
    weakest, strongest, signed = bounds
    amount = weakest + (strongest - weakest) * strength
    negative = random.random() < 0.5
    return -amount if signed and negative else amount
