"""Steps that change colours and leave pixels in their places."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Interval
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from pydantic import AfterValidator, BeforeValidator

from composer.training.augment.sample import Sample
from composer.training.augment.step import Pair, Share, Step, ascending, both_ways

__all__ = [
    "AXES",
    "SPREAD",
    "ColorJitter",
    "GaussianBlur",
    "Grayscale",
    "HsvJitter",
    "Lighting",
    "PhotometricDistortion",
    "Solarize",
    "brightness",
    "contrast",
    "hue",
    "saturation",
]

_LEVELS = np.arange(256, dtype=np.float32)


def _about_one(given: Any) -> Any:
    """One number stands for factors from 1 minus it (0 at least) to 1 plus it."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return (max(1 - given, 0.0), 1 + given) if given >= 0 else (given, given)
    return given


Factors = Annotated[
    tuple[Annotated[float, Ge(0)], Annotated[float, Ge(0)]], BeforeValidator(_about_one), AfterValidator(ascending)
]
Half = Annotated[float, Interval(ge=-0.5, le=0.5)]
Turns = Annotated[tuple[Half, Half], BeforeValidator(both_ways), AfterValidator(ascending)]


class OfColour(Step):
    """A step that changes the image alone."""

    moves: ClassVar[bool] = False

    def _changed(self, sample: Sample, random: Random) -> Sample:
        sample.image = self._painted(sample.image, random)  # type: ignore[arg-type]
        return sample

    def _painted(self, image: Image.Image, random: Random) -> Image.Image:
        raise NotImplementedError


class ColorJitter(OfColour):
    """Brightness, contrast, saturation and hue, each by a random factor, in a random order (torchvision's).

    Args:
        brightness: Factors from 1 - b to 1 + b, or from one to another.
        contrast: The same of the distance to the mean gray.
        saturation: The same of the distance to gray.
        hue: Turn of the hue from -h to h, as a share of the circle, at most 0.5.
        p: The probability (0.8 in SimCLR, arXiv:2002.05709, appendix A).
    """

    brightness: Factors = (1.0, 1.0)
    contrast: Factors = (1.0, 1.0)
    saturation: Factors = (1.0, 1.0)
    hue: Turns = (0.0, 0.0)
    p: Share = 1.0

    def _painted(self, image: Image.Image, random: Random) -> Image.Image:
        if random.random() >= self.p:
            return image
        order = random.sample(range(4), 4)
        amounts = [random.uniform(*bounds) for bounds in (self.brightness, self.contrast, self.saturation, self.hue)]
        makes: Sequence[Callable[[Image.Image, float], Image.Image]] = (brightness, contrast, saturation, hue)
        for which in order:
            image = makes[which](image, amounts[which])
        return image


class Grayscale(OfColour):
    """Gray in all channels, with a probability (torchvision's RandomGrayscale: 0.299 R + 0.587 G + 0.114 B).

    Args:
        p: The probability.
    """

    p: Share = 1.0

    def _painted(self, image: Image.Image, random: Random) -> Image.Image:
        if random.random() >= self.p or image.mode == "L":
            return image
        return image.convert("L").convert("RGB")


class GaussianBlur(OfColour):
    """Blurred by a Gaussian, with a probability (SimCLR, arXiv:2002.05709, appendix A; by Pillow, as MoCo v2).

    Args:
        sigma: Its deviation in pixels, from one to another.
        p: The probability.
    """

    sigma: Pair = (0.1, 2.0)
    p: Share = 0.5

    def _painted(self, image: Image.Image, random: Random) -> Image.Image:
        if random.random() >= self.p:
            return image
        return image.filter(ImageFilter.GaussianBlur(random.uniform(*self.sigma)))


class Solarize(OfColour):
    """Levels from a threshold on inverted, with a probability (BYOL, arXiv:2006.07733, appendix B).

    Args:
        threshold: The lowest level that is inverted, 0-255.
        p: The probability.
    """

    threshold: Annotated[int, Interval(ge=0, le=256)] = 128
    p: Share = 0.2

    def _painted(self, image: Image.Image, random: Random) -> Image.Image:
        return ImageOps.solarize(image, self.threshold) if random.random() < self.p else image


class HsvJitter(OfColour):
    """Hue, saturation and value, each changed by a random amount or not at all, with probability one half (YOLOX).

    Args:
        hue: Largest turn of the hue in degrees.
        saturation: Largest number of levels added to the saturation.
        value: Largest number of levels added to the value.
    """

    hue: Annotated[float, Interval(ge=0, le=180)] = 10
    saturation: Annotated[int, Interval(ge=0, le=255)] = 30
    value: Annotated[int, Interval(ge=0, le=255)] = 30

    def _painted(self, image: Image.Image, random: Random) -> Image.Image:
        chosen = [random.random() < 0.5 for _ in range(3)]
        drawn = [random.uniform(-1, 1) * most for most in (self.hue, self.saturation, self.value)]
        turn, colour, light = (int(amount) if done else 0 for amount, done in zip(drawn, chosen, strict=True))
        if image.mode == "L":
            return _mapped(image, _LEVELS + light) if light else image
        if not (turn or colour or light):
            return image
        bands = list(image.convert("HSV").split())
        shift = round(turn * 256 / 360)
        bands[0] = bands[0].point([(level + shift) % 256 for level in range(256)])
        bands[1], bands[2] = _mapped(bands[1], _LEVELS + colour), _mapped(bands[2], _LEVELS + light)
        return Image.merge("HSV", bands).convert("RGB")


SPREAD = (0.2175, 0.0188, 0.0045)
AXES = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


class Lighting(OfColour):
    """Levels added along the main axes of ImageNet's colours (AlexNet, Krizhevsky et al. 2012, section 4.1).

    Spreads and axes are those of fb.resnet.torch and pycls, which RegNet trains with.

    Args:
        deviation: Deviation of the random factors, in levels.
    """

    deviation: Annotated[float, Ge(0)] = 25.5

    def _painted(self, image: Image.Image, random: Random) -> Image.Image:
        along = np.array([random.gauss(0.0, self.deviation) for _ in SPREAD])
        added = np.array(AXES) @ (along * np.array(SPREAD))
        if image.mode == "L":
            return _mapped(image, _LEVELS + added.mean())
        tables = [np.clip(np.rint(_LEVELS + one), 0, 255).astype(int).tolist() for one in added]
        return image.point([level for table in tables for level in table])


class PhotometricDistortion(OfColour):
    """Brightness, contrast, saturation and hue, each with probability one half (SSD, arXiv:1512.02325, section 2.2).

    Names and defaults are mmdet's. Contrast, here a plain factor of the levels, comes before or after the others.

    Args:
        brightness_delta: Largest number of levels added.
        contrast_range: Factor of the levels.
        saturation_range: Factor of the distance to gray.
        hue_delta: Largest turn of the hue in degrees.
    """

    brightness_delta: Annotated[int, Interval(ge=0, le=255)] = 32
    contrast_range: Pair = (0.5, 1.5)
    saturation_range: Pair = (0.5, 1.5)
    hue_delta: Annotated[float, Interval(ge=0, le=180)] = 18

    def _painted(self, image: Image.Image, random: Random) -> Image.Image:
        chosen = [random.random() < 0.5 for _ in range(5)]
        added = random.uniform(-self.brightness_delta, self.brightness_delta)
        factor = random.uniform(*self.contrast_range)
        colour = random.uniform(*self.saturation_range)
        turn = random.uniform(-self.hue_delta, self.hue_delta) / 360
        first = chosen[4]
        if chosen[0]:
            image = _mapped(image, _LEVELS + added)
        if chosen[1] and first:
            image = _mapped(image, _LEVELS * factor)
        if chosen[2]:
            image = saturation(image, colour)
        if chosen[3]:
            image = hue(image, turn)
        if chosen[1] and not first:
            image = _mapped(image, _LEVELS * factor)
        return image


def brightness(image: Image.Image, factor: float) -> Image.Image:
    """The levels times a factor."""
    return image if factor == 1 else _mapped(image, _LEVELS * factor)


def contrast(image: Image.Image, factor: float) -> Image.Image:
    """The distance of the levels to the mean gray, times a factor."""
    if factor == 1:
        return image
    counts = np.array(image.convert("L").histogram())
    mean = round(float((counts * np.arange(256)).sum() / counts.sum()))
    return _mapped(image, mean + (_LEVELS - mean) * factor)


def saturation(image: Image.Image, factor: float) -> Image.Image:
    """The distance of the colours to gray, times a factor."""
    return image if factor == 1 or image.mode == "L" else ImageEnhance.Color(image).enhance(factor)


def hue(image: Image.Image, turn: float) -> Image.Image:
    """The hue turned by a share of the circle."""
    shift = round(turn * 255)
    if shift == 0 or image.mode == "L":
        return image
    angle, colour, value = image.convert("HSV").split()
    angle = angle.point([(level + shift) % 256 for level in range(256)])
    return Image.merge("HSV", (angle, colour, value)).convert("RGB")


def _mapped(image: Image.Image, levels: Any) -> Image.Image:
    """The image with every level replaced by another."""
    table = np.clip(np.rint(levels), 0, 255).astype(int).tolist()
    return image.point(table * len(image.getbands()))
