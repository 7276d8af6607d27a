"""Mirrored, turned, shifted and sheared images."""

import math
from random import Random
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Interval, Le
from pydantic import AfterValidator, BeforeValidator

from composer.training.augment import geometry
from composer.training.augment.geometry import Matrix
from composer.training.augment.sample import Sample
from composer.training.augment.step import Fill, Pair, Share, Step, both_ways

__all__ = ["Affine", "Flip", "Rotate", "affine_matrix"]

Turn = Annotated[float, Interval(ge=-360, le=360)]
Slope = Annotated[float, Interval(gt=-90, lt=90)]
Sampling = Literal["nearest", "bilinear", "bicubic"]


def _in_order(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("expected the lower bound first, or one number that is not negative")
    return pair


Degrees = Annotated[tuple[Turn, Turn], BeforeValidator(both_ways), AfterValidator(_in_order)]
Slopes = Annotated[tuple[Slope, Slope], BeforeValidator(both_ways), AfterValidator(_in_order)]


class Flip(Step):
    """Mirrored with a probability.

    Args:
        p: The probability.
        direction: ``horizontal`` (left to right), ``vertical``, or ``both``: either by itself with the probability.
    """

    moves: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    p: Share = 0.5
    direction: Literal["horizontal", "vertical", "both"] = "horizontal"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        if self.direction != "vertical" and random.random() < self.p:
            sample = geometry.flip(sample)
        if self.direction != "horizontal" and random.random() < self.p:
            sample = geometry.flip(sample, vertical=True)
        return sample


class Rotate(Step):
    """Turned about its centre by a random angle; the image keeps its size (torchvision's RandomRotation).

    Args:
        degrees: The angle, from one to another, or one number for from its negative to it; positive is anticlockwise.
        p: The probability.
        fill: The colour of the gaps, 0-255; black by default.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    degrees: Degrees = (-10.0, 10.0)
    p: Share = 1.0
    fill: Fill = (0,)
    interpolation: Sampling = "bilinear"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        if random.random() >= self.p:
            return sample
        matrix = affine_matrix(sample, angle=-random.uniform(*self.degrees))
        return geometry.transform(sample, matrix, self.fill, self.interpolation)


class Affine(Step):
    """Turned, shifted, scaled and sheared, each by a random amount (torchvision's RandomAffine).

    Args:
        degrees: Angle of the turn; one number is both ways.
        translate: Largest shift across and down, as a share of width and height.
        scale: Factor, from one to another.
        shear: Angle of the shear across in degrees; one number is both ways.
        p: The probability.
        fill: The colour of the gaps, 0-255; black by default.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    degrees: Degrees = (0.0, 0.0)
    translate: tuple[Annotated[float, Ge(0), Le(1)], Annotated[float, Ge(0), Le(1)]] = (0.0, 0.0)
    scale: Pair = (1.0, 1.0)
    shear: Slopes = (0.0, 0.0)
    p: Share = 1.0
    fill: Fill = (0,)
    interpolation: Sampling = "bilinear"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        if random.random() >= self.p:
            return sample
        height, width = sample.image_size
        angle = -random.uniform(*self.degrees)
        across = random.uniform(-1, 1) * self.translate[0] * width
        down = random.uniform(-1, 1) * self.translate[1] * height
        scale = random.uniform(*self.scale)
        matrix = affine_matrix(sample, angle, (across, down), scale, (random.uniform(*self.shear), 0.0))
        return geometry.transform(sample, matrix, self.fill, self.interpolation)


def affine_matrix(
    sample: Sample,
    angle: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    scale: Annotated[float, Gt(0)] = 1.0,
    shear: tuple[float, float] = (0.0, 0.0),
) -> Matrix:
    """The map from new pixels to old ones of a shear, a scaling and a turn about the centre, then a shift.

    Args:
        sample: The sample, whose size gives the centre.
        angle: Of the turn in degrees, clockwise.
        shift: Pixels across and down.
        scale: Factor.
        shear: Angles of the shear across and down, in degrees.
    """
    height, width = sample.image_size
    turn = math.radians(angle)
    cos, sin = math.cos(turn) * scale, math.sin(turn) * scale
    slope_x, slope_y = (math.tan(math.radians(each)) for each in shear)
    # Forward: new = R (1 + S) (old - centre) + centre + shift; what Pillow wants is its inverse.
    a, b = cos - sin * slope_y, cos * slope_x - sin
    d, e = sin + cos * slope_y, sin * slope_x + cos
    det = a * e - b * d
    ia, ib, id_, ie = e / det, -b / det, -d / det, a / det
    x, y = width / 2, height / 2
    return (
        ia,
        ib,
        x - ia * (x + shift[0]) - ib * (y + shift[1]),
        id_,
        ie,
        y - id_ * (x + shift[0]) - ie * (y + shift[1]),
    )
