"""Parts of images that are blotted out."""

import math
from random import Random
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from composer.training.augment.sample import Sample
from composer.training.augment.step import Fill, Pair, Share, Shares, Step

__all__ = ["RandomErasing"]

_TRIES = 10
_NOISE = 58  # levels: about the deviation of photographs


class RandomErasing(Step):
    """A rectangle blotted out (arXiv:1708.04896); objects stay as they are.

    Names and defaults are torchvision's, which erases after normalisation; here the input's mean takes the place of
    its 0, and ``mode: noise`` that of timm's ``pixel``.

    Args:
        p: The probability.
        scale: Share of the image's area.
        ratio: Height by width.
        fill: The colour, 0-255; by default the input's mean.
        mode: ``constant`` for the colour, ``noise`` for normal numbers about it with a deviation of 58 levels.
    """

    bands: ClassVar[bool] = True

    p: Share = 0.5
    scale: Shares = (0.02, 0.33)
    ratio: Pair = (0.3, 3.3)
    fill: Fill | None = None
    mode: Literal["constant", "noise"] = "constant"

    def _changed(self, sample: Sample, random: Random) -> Sample:
        if random.random() >= self.p:
            return sample
        height, width = sample.image_size
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        for _ in range(_TRIES):
            area = height * width * random.uniform(*self.scale)
            ratio = math.exp(random.uniform(low, high))
            down, across = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < down < height and 0 < across < width:
                top, left = random.randint(0, height - down), random.randint(0, width - across)
                return self._erased(sample, (left, top, across, down), random)
        return sample

    def _erased(self, sample: Sample, area: tuple[int, int, int, int], random: Random) -> Sample:
        left, top, across, down = area
        fill = self.fill or (0,)
        levels = np.array(sample.image)
        part = levels[top : top + down, left : left + across].reshape(down, across, -1)
        paint = np.array(fill if len(fill) == part.shape[2] else (sum(fill) / len(fill),))
        if self.mode == "noise":
            drawn = np.random.default_rng(random.getrandbits(64)).standard_normal(part.shape)
            paint = np.clip(paint + _NOISE * drawn, 0, 255)
        levels[top : top + down, left : left + across] = np.broadcast_to(np.rint(paint), part.shape).reshape(
            down, across, *levels.shape[2:]
        )
        sample.image = levels if isinstance(sample.image, np.ndarray) else Image.fromarray(levels)
        return sample
