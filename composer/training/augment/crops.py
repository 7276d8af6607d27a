"""Crops."""

import math
from random import Random
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import AfterValidator, BeforeValidator

from composer.run.geometry import Size
from composer.training.augment import geometry
from composer.training.augment.sample import Sample
from composer.training.augment.step import Fill, Interpolation, Pair, Shares, Sides, Step

__all__ = ["CenterCrop", "RandomCrop", "RandomCropRange", "RandomResizedCrop"]

Margin = Annotated[int, Ge(0)]
Margins = Annotated[
    tuple[Margin, Margin, Margin, Margin],
    BeforeValidator(lambda given: (given,) * 4 if isinstance(given, int) else given),
]


def _ascending(pair: tuple[int, int]) -> tuple[int, int]:
    if pair[0] > pair[1]:
        raise ValueError("expected the shorter side first")
    return pair


_TRIES = 10


class RandomResizedCrop(Step):
    """A random part of the image in another size (Inception, arXiv:1409.4842, section 6).

    Names and defaults are torchvision's. The area is drawn evenly, the ratio evenly in its logarithm; after ten draws
    that do not fit, it is the largest crop in the middle that keeps to ``ratio``.

    Args:
        size: Height and width of what comes out; by default the input's.
        scale: Share of the image's area.
        ratio: Width by height.
        interpolation: How pixels between others are made.
    """

    moves: ClassVar[bool] = True
    sizes: ClassVar[bool] = True
    scales: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    size: Sides | None = None
    scale: Shares = (0.08, 1.0)
    ratio: Pair = (3 / 4, 4 / 3)
    interpolation: Interpolation = "bilinear"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        top, left, height, width = self.area(sample.size, random)
        own = sample.image_size
        down, across = own[0] / sample.size[0], own[1] / sample.size[1]
        area = (left * across, top * down, (left + width) * across, (top + height) * down)
        return geometry.resize(sample, self.size or (height, width), self.interpolation, area)

    def _least(self, size: Size, random: Random) -> Size | None:
        if self.size is None:
            return None
        _, _, height, width = self.area(size, random)
        return math.ceil(size[0] * self.size[0] / height), math.ceil(size[1] * self.size[1] / width)

    def area(self, size: Size, random: Random) -> tuple[int, int, int, int]:
        """Top, left, height and width of the part, in an image of a size."""
        height, width = size
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        for _ in range(_TRIES):
            area = height * width * random.uniform(*self.scale)
            ratio = math.exp(random.uniform(low, high))
            across, down = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < across <= width and 0 < down <= height:
                return random.randint(0, height - down), random.randint(0, width - across), down, across
        ratio = min(max(width / height, self.ratio[0]), self.ratio[1])
        across = min(width, max(round(height * ratio), 1))
        down = min(height, max(round(across / ratio), 1))
        return (height - down) // 2, (width - across) // 2, down, across


class RandomCrop(Step):
    """A crop of a size at a random place, out of an image with a margin (He et al., arXiv:1512.03385, section 4.2).

    Names are torchvision's. An image that is too small is padded on both sides as far as needed, so every image
    leaves in the size.

    Args:
        size: Height and width of the crop; by default the input's.
        padding: Pixels added before, on every side, or on the left, above, on the right and below.
        fill: Their colour, 0-255; black by default.
        padding_mode: ``constant``, ``reflect``, ``symmetric`` or ``edge``.
    """

    moves: ClassVar[bool] = True
    sizes: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    size: Sides | None = None
    padding: Margins = (0, 0, 0, 0)
    fill: Fill = (0,)
    padding_mode: Literal["constant", "reflect", "symmetric", "edge"] = "constant"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        fill = self.fill
        sample = geometry.pad(sample, self.padding, fill, self.padding_mode)
        height, width = self.size or sample.image_size
        sample = _at_least(sample, (height, width), fill)
        whole = sample.image_size
        top, left = random.randint(0, whole[0] - height), random.randint(0, whole[1] - width)
        return geometry.crop(sample, top, left, height, width)


class RandomCropRange(Step):
    """A part of the image, at full size, whose height and width are drawn each (DETR, arXiv:2005.12872, appendix A.4).

    A side is drawn as mmdet's ``absolute_range`` does: from the shortest to the longest, or to the image's own.

    Args:
        sides: The shortest and the longest side in pixels.
    """

    moves: ClassVar[bool] = True
    sizes: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    sides: Annotated[tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]], AfterValidator(_ascending)] = (384, 600)

    def _changed(self, sample: Sample, random: Random) -> Sample:
        whole = sample.image_size
        height, width = (random.randint(min(side, self.sides[0]), min(side, self.sides[1])) for side in whole)
        top, left = random.randint(0, whole[0] - height), random.randint(0, whole[1] - width)
        return geometry.crop(sample, top, left, height, width)


class CenterCrop(Step):
    """The middle of an image; where it is too small it is padded evenly (torchvision's).

    Args:
        size: Height and width; by default the input's.
        fill: The colour of what is padded, 0-255; black by default.
    """

    moves: ClassVar[bool] = True
    sizes: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    size: Sides | None = None
    fill: Fill = (0,)

    def _changed(self, sample: Sample, random: Random) -> Sample:
        height, width = self.size or sample.image_size
        sample = _at_least(sample, (height, width), self.fill)
        whole = sample.image_size
        top, left = round((whole[0] - height) / 2), round((whole[1] - width) / 2)
        return geometry.crop(sample, top, left, height, width)


def _at_least(sample: Sample, size: Size, fill: tuple[int, ...]) -> Sample:
    """The sample padded around to at least a size."""
    height, width = sample.image_size
    down, across = max(size[0] - height, 0), max(size[1] - width, 0)
    sides = (across // 2, down // 2, across - across // 2, down - down // 2)
    return geometry.pad(sample, sides, fill)
