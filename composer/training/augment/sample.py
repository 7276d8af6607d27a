"""A sample on its way to a batch, and the random numbers that belong to it."""

import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from composer.run.geometry import Size

__all__ = ["Sample", "random_of", "seed_of"]

Pixels = NDArray[np.uint8]


@dataclass(slots=True)
class Sample:
    """An image and what lies on it; steps change it in place of copying where nothing else holds it.

    Args:
        image: A Pillow image in mode ``L`` or ``RGB``, or bands as uint8 [H, W, C].
        size: Height and width that draws are made in. They are the image's own, but where a JPEG was decoded smaller
            because little of it is needed: then those of the file.
        boxes: float32 [N, 4]: x1, y1, x2, y2 in pixels of the image.
        box_labels: int64 [N].
        masks: uint8 [N, H, W], 1 where the object of a box is.
        seg_map: uint8 or int32 [H, W]: the class of each pixel.
    """

    image: Image.Image | Pixels
    size: Size
    boxes: NDArray[np.float32] | None = None
    box_labels: NDArray[np.int64] | None = None
    masks: Pixels | None = None
    seg_map: NDArray[np.integer[Any]] | None = None

    @property
    def image_size(self) -> Size:
        """Height and width of the image as it is now."""
        if isinstance(self.image, np.ndarray):
            return self.image.shape[0], self.image.shape[1]
        return self.image.height, self.image.width

    @property
    def plain(self) -> bool:
        """Whether nothing lies on the image."""
        return self.boxes is None and self.masks is None and self.seg_map is None

    def with_image(self, image: Image.Image | Pixels, size: Size) -> "Sample":
        """The sample with another image; what lies on it is as it was."""
        return Sample(image, size, self.boxes, self.box_labels, self.masks, self.seg_map)

    def pixels(self) -> Pixels:
        """The image as uint8 [C, H, W]."""
        levels = np.asarray(self.image)
        return levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1)


def seed_of(*parts: int | str) -> int:
    """A number that depends on every part and on nothing else: not on the machine, nor on Python's own hashes.

    Args:
        parts: What it belongs to.

    Returns:
        64 bits.
    """
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def random_of(seed: int, epoch: int, index: int, view: int | str = 0) -> Random:
    """The random numbers of a sample: the same whoever asks, in whatever order, in whichever process.

    Args:
        seed: Of the training.
        epoch: Counted from 0.
        index: Of the sample in its data.
        view: Which of its views: the name of the input, or its number.
    """
    return Random(seed_of(seed, epoch, index, view))
