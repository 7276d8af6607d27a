"""Steps that bring images to a size, and margins."""

import math
from random import Random
from typing import Annotated, Any, ClassVar, Literal, Self

from annotated_types import Ge, MinLen
from pydantic import BeforeValidator, model_validator

from composer.run.geometry import Size
from composer.training.augment import geometry
from composer.training.augment.sample import Sample
from composer.training.augment.step import Fill, Interpolation, Pair, Sides, Step

__all__ = ["MultiScaleResize", "Pad", "Resize", "ScaleJitter"]

Edge = Annotated[int, Ge(1)]


def _square(given: Any) -> Any:
    return (given,) if isinstance(given, int) and not isinstance(given, bool) else given


class Resize(Step):
    """The whole image in another size.

    Args:
        size: Height and width, which need not keep the ratio; one number scales the shorter edge to it. By default
            the input's height and width.
        max_size: Where ``size`` is one number: the longer edge becomes no longer than this (torchvision's; the
            ``scale`` of mmcv's ``Resize`` with ``keep_ratio`` is both).
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True
    sizes: ClassVar[bool] = True
    scales: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    size: Annotated[tuple[Edge] | tuple[Edge, Edge] | None, BeforeValidator(_square)] = None
    max_size: Edge | None = None
    interpolation: Interpolation = "bilinear"

    @model_validator(mode="after")
    def _one_edge(self) -> Self:
        if self.max_size is not None and (self.size is None or len(self.size) != 1):
            raise ValueError("max_size bounds the longer edge where size is one number, the shorter edge")
        return self

    def _changed(self, sample: Sample, random: Random) -> Sample:
        return geometry.resize(sample, self._target(sample.size), self.interpolation)

    def _least(self, size: Size, random: Random) -> Size | None:
        return self._target(size)

    def _target(self, size: Size) -> Size:
        if self.size is None:
            return size
        return shorter_edge(size, self.size[0], self.max_size) if len(self.size) == 1 else self.size


class MultiScaleResize(Step):
    """The shorter edge at one of several lengths, drawn anew for each image (mmcv's RandomChoiceResize).

    Args:
        short: Lengths of the shorter edge in pixels.
        max_size: The longer edge becomes no longer than this.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True
    sizes: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    short: Annotated[tuple[Edge, ...], MinLen(1)] = (480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800)
    max_size: Edge | None = 1333
    interpolation: Interpolation = "bilinear"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        return geometry.resize(sample, self._target(sample.size, random), self.interpolation)

    def _least(self, size: Size, random: Random) -> Size | None:
        return self._target(size, random)

    def _target(self, size: Size, random: Random) -> Size:
        return shorter_edge(size, random.choice(self.short), self.max_size)


class ScaleJitter(Step):
    """The whole image, its ratio kept, as large as fits into a size times a random factor (arXiv:2012.07177).

    What is larger than the input is usually cut by ``random_crop`` behind it, and what is smaller padded. Names are
    mmdet's RandomResize.

    Args:
        size: Height and width at the factor 1; by default the input's.
        ratio_range: The factor, from one to another; the paper's large-scale jitter is 0.1 to 2.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True
    sizes: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    size: Sides | None = None
    ratio_range: Pair = (0.1, 2.0)
    interpolation: Interpolation = "bilinear"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        return geometry.resize(sample, self._target(sample.size, random), self.interpolation)

    def _least(self, size: Size, random: Random) -> Size | None:
        return self._target(size, random)

    def _target(self, size: Size, random: Random) -> Size:
        factor = random.uniform(*self.ratio_range)
        wanted = self.size or size
        factor *= min(wanted[0] / size[0], wanted[1] / size[1])
        height, width = (max(int(side * factor + 0.5), 1) for side in size)
        return height, width


class Pad(Step):
    """Pixels around the image, or as many as a size wants below and on the right.

    Args:
        padding: Pixels on every side, or on the left, above, on the right and below.
        size: Height and width that are reached below and on the right; what is larger keeps its size.
        divisor: Height and width become multiples of it, below and on the right.
        fill: Their colour, 0-255; black by default.
        padding_mode: ``constant``, ``reflect``, ``symmetric`` or ``edge``.
    """

    moves: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    padding: Annotated[
        tuple[Annotated[int, Ge(0)], Annotated[int, Ge(0)], Annotated[int, Ge(0)], Annotated[int, Ge(0)]],
        BeforeValidator(lambda given: (given,) * 4 if isinstance(given, int) else given),
    ] = (0, 0, 0, 0)
    size: Sides | None = None
    divisor: Edge = 1
    fill: Fill = (0,)
    padding_mode: Literal["constant", "reflect", "symmetric", "edge"] = "constant"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        left, top, right, bottom = self.padding
        height, width = sample.image_size
        down, across = height + top + bottom, width + left + right
        least = self.size or (0, 0)
        whole = [
            math.ceil(max(own, low) / self.divisor) * self.divisor
            for own, low in zip((down, across), least, strict=True)
        ]
        sides = (left, top, right + whole[1] - across, bottom + whole[0] - down)
        return geometry.pad(sample, sides, self.fill, self.padding_mode)


def shorter_edge(size: Size, edge: int, longest: int | None = None) -> Size:
    """The size with the shorter edge at a length, or the longer one at its bound where that is less.

    Args:
        size: Height and width.
        edge: The shorter edge in pixels.
        longest: The longer edge is no longer.
    """
    factor = edge / min(size)
    if longest is not None:
        factor = min(factor, longest / max(size))
    height, width = (max(int(side * factor + 0.5), 1) for side in size)
    return height, width
