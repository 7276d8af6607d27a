"""Images and labels of pretext tasks: rotations, and pairs of patches."""

from typing import Annotated, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from components.shared.bounds import Count
from composer.ports import Augmentation, Image, InputError, Label

__all__ = ["PatchPairs", "Rotations"]

_AROUND = (0, 1, 2, 3, 5, 6, 7, 8)


class Rotated(NamedTuple):
    """The images, and 0, 1, 2 or 3 for 0, 90, 180 or 270 degrees against the clock."""

    image: Annotated[Image, "N C H W"]
    label: Annotated[Label, "N"]


class Rotations(nn.Module):
    """Each image in all four rotations, one after the other (RotNet, arXiv:1803.07728, section 2).

    OpenMMLab's pipelines make them when the data is loaded, in the same order. Images have to be square.

    Keywords: rotnet, rotation prediction, rotate, rot90, augmentation.

    Raises:
        ValueError: In ``forward``, they are not.
    """

    augmentation: ClassVar[Augmentation] = Augmentation(steps=["random_resized_crop", "flip"], shifted=False)

    def forward(self, image: Annotated[Image, "B C H W"]) -> Rotated:
        """[B, C, H, H] to [4B, C, H, H] and [4B]."""
        height, width = image.shape[2:]
        if height != width:
            raise InputError(
                "image", f"found images of {height} x {width}, only square ones keep their size: crop them"
            )
        turned = torch.stack([image.rot90(turns, (2, 3)) for turns in range(4)], dim=1).flatten(0, 1)
        label: Tensor = torch.arange(4, device=image.device).repeat(image.shape[0])
        return Rotated(turned, label)


class Pairs(NamedTuple):
    """A patch, the one in the middle of the same image, and which of the middle's eight neighbours the first is."""

    patch: Annotated[Image, "N C patch_size patch_size"]
    center: Annotated[Image, "N C patch_size patch_size"]
    label: Annotated[Label, "N"]


class PatchPairs(nn.Module):
    """The patches around the middle of each image, paired with the one in the middle (arXiv:1505.05192, section 3).

    The image is divided into three rows and three columns, and a patch is cut out of each cell: in training at a
    random place of it, in evaluation from its middle; so there are gaps between patches, and their borders do not show
    where they lie. The random place is the same for all images of a batch. OpenMMLab's pipelines cut patches when the
    data is loaded; what they pair is in the same order.

    Keywords: relative location, patches, crop patches, jigsaw, context prediction.

    Args:
        patch_size: Height and width of a patch, at most a third of the image's.

    Raises:
        ValueError: In ``forward``, images are too small.
    """

    augmentation: ClassVar[Augmentation] = Augmentation(steps=["random_crop", {"grayscale": {"p": 0.66}}], margin=True)

    def __init__(self, patch_size: Count) -> None:
        super().__init__()
        self.patch_size = patch_size

    def forward(self, image: Annotated[Image, "B C H W"]) -> Pairs:
        """[B, C, H, W] to two times [8B, C, patch_size, patch_size] and [8B]."""
        rows, columns = image.shape[2] // 3, image.shape[3] // 3
        if min(rows, columns) < self.patch_size:
            raise InputError(
                "image",
                f"found images of {image.shape[2]} x {image.shape[3]}, expected {3 * self.patch_size} or more "
                "each way: set patch_size to a third of that",
            )
        patches = [self._cut(image, (cell // 3) * rows, (cell % 3) * columns, rows, columns) for cell in range(9)]
        around = torch.stack([patches[cell] for cell in _AROUND], dim=1).flatten(0, 1)
        center = patches[4].repeat_interleave(8, dim=0)
        label: Tensor = torch.arange(8, device=image.device).repeat(image.shape[0])
        return Pairs(around, center, label)

    def _cut(self, image: Tensor, top: int, left: int, rows: int, columns: int) -> Tensor:
        """A patch out of one cell; its place is a tensor, so that compiled models draw it anew in each step."""
        down, right = rows - self.patch_size, columns - self.patch_size
        if self.training:
            start = torch.rand(2, device=image.device) * torch.tensor([down + 1, right + 1], device=image.device)
            places = start.long()
        else:
            places = torch.tensor([down // 2, right // 2], device=image.device)
        inside = torch.arange(self.patch_size, device=image.device)
        found = image.index_select(2, top + places[0] + inside)
        return found.index_select(3, left + places[1] + inside)
