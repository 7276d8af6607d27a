"""Pictures in four rotations, and which one each is in."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor, nn

from composer.ports import Image, Label

__all__ = ["Rotations"]


class Rotated(NamedTuple):
    """The pictures, and 0, 1, 2 or 3 for 0, 90, 180 or 270 degrees against the clock."""

    image: Annotated[Image, "N C H W"]
    label: Annotated[Label, "N"]


class Rotations(nn.Module):
    """Each picture in all four rotations, one after the other (RotNet, arXiv:1803.07728, section 2).

    OpenMMLab's pipelines make them when the data is loaded, in the same order. Pictures have to be square.

    Keywords: rotnet, rotation prediction, rotate, rot90, augmentation.

    Raises:
        ValueError: In ``forward``, they are not.
    """

    def forward(self, image: Annotated[Image, "B C H W"]) -> Rotated:
        """[B, C, H, H] to [4B, C, H, H] and [4B]."""
        height, width = image.shape[2:]
        if height != width:
            raise ValueError(
                f"image: found pictures of {height} x {width}, only square ones keep their size: crop them"
            )
        turned = torch.stack([image.rot90(turns, (2, 3)) for turns in range(4)], dim=1).flatten(0, 1)
        label: Tensor = torch.arange(4, device=image.device).repeat(image.shape[0])
        return Rotated(turned, label)
