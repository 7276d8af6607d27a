"""Steps for images with objects: zooming out, and crops that keep objects whole enough."""

from random import Random
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt, Le, MinLen
from numpy.typing import NDArray
from pydantic import AfterValidator

from composer.training.augment import geometry
from composer.training.augment.sample import Sample
from composer.training.augment.step import Fill, Share, Step

__all__ = ["Expand", "MinIoURandomCrop"]

_TRIES = 50


def _growing(pair: tuple[float, float]) -> tuple[float, float]:
    if not 1 <= pair[0] <= pair[1]:
        raise ValueError("expected factors of at least 1, the lower first")
    return pair


class Expand(Step):
    """The image at a random place of a larger one (SSD, arXiv:1512.02325, section 2.2; names are mmdet's).

    Args:
        p: The probability.
        ratio_range: Width and height of the larger image by its own.
        fill: The colour around it, 0-255; by default the input's mean.
    """

    moves: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    p: Share = 0.5
    ratio_range: Annotated[tuple[float, float], AfterValidator(_growing)] = (1.0, 4.0)
    fill: Fill | None = None

    def _changed(self, sample: Sample, random: Random) -> Sample:
        if random.random() >= self.p:
            return sample
        height, width = sample.image_size
        ratio = random.uniform(*self.ratio_range)
        down, across = int(height * ratio) - height, int(width * ratio) - width
        top, left = random.randint(0, down), random.randint(0, across)
        return geometry.pad(sample, (left, top, across - left, down - top), self.fill or (0,))


class MinIoURandomCrop(Step):
    """A crop with which some object overlaps enough (SSD, arXiv:1512.02325, section 2.2; names are mmdet's).

    A bound on the overlap of every object whose centre lies in the crop is drawn, or that the image stays whole; of 50
    crops the first that keeps it is taken, and else another bound is drawn. Objects whose centre lies outside go.

    Args:
        min_ious: The bounds that are drawn from, beside 0 and the whole image.
        min_crop_size: The smallest height and width of a crop, as a share of the image's.
    """

    moves: ClassVar[bool] = True
    bands: ClassVar[bool] = True

    min_ious: Annotated[tuple[Share, ...], MinLen(1)] = (0.1, 0.3, 0.5, 0.7, 0.9)
    min_crop_size: Annotated[float, Gt(0), Le(1)] = 0.3

    def _changed(self, sample: Sample, random: Random) -> Sample:
        boxes = sample.boxes
        if boxes is None or not len(boxes):
            return sample
        height, width = sample.image_size
        for _ in range(_TRIES):
            bound = random.choice((1.0, *self.min_ious, 0.0))
            if bound == 1:
                return sample
            for _ in range(_TRIES):
                across = random.uniform(self.min_crop_size * width, width)
                down = random.uniform(self.min_crop_size * height, height)
                place = random.random() * (width - across), random.random() * (height - down)
                area = (int(place[0]), int(place[1]), int(place[0] + across), int(place[1] + down))
                inside = self._inside(boxes, area, bound)
                if inside is not None:
                    left, top, right, bottom = area
                    sample = geometry.kept(sample, inside)
                    return geometry.crop(sample, top, left, bottom - top, right - left)
        return sample

    def _inside(
        self, boxes: NDArray[np.float32], area: tuple[int, int, int, int], bound: float
    ) -> NDArray[np.bool_] | None:
        """The boxes whose centres lie in a crop; None where the crop will not do."""
        left, top, right, bottom = area
        if not 0.5 <= (bottom - top) / max(right - left, 1) <= 2:
            return None
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        within = (centres > (left, top)) & (centres < (right, bottom))
        inside: NDArray[np.bool_] = np.asarray(within.all(axis=1))
        shared = np.clip(np.minimum(boxes[:, 2:], (right, bottom)) - np.maximum(boxes[:, :2], (left, top)), 0, None)
        overlap = shared.prod(axis=1)
        union = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (right - left) * (bottom - top) - overlap
        if not inside.any() or (overlap / np.maximum(union, 1e-9)).min() < bound:
            return None
        return inside
