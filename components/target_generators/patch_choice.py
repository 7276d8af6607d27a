"""Which patches an encoder sees."""

from typing import Annotated, ClassVar, NamedTuple

import torch
from annotated_types import Interval
from torch import nn

from components.shared.bounds import Count, Size
from components.shared.options import pair
from components.shared.value_checks import check_flags, values_are_known
from composer.ports import AnyTensor, Augmentation, Image, InputError, Mask, first_look

__all__ = ["MaskedPatches", "RandomMasking"]


class RandomChoice(NamedTuple):
    """Which patches are seen, where each patch went, and which are hidden (1)."""

    ids_keep: Annotated[AnyTensor, "B K"]
    ids_restore: Annotated[AnyTensor, "B P"]
    mask: Annotated[Mask, "B P"]


class RandomMasking(nn.Module):
    """Hides patches of every image at random, anew in each call (MAE, arXiv:2111.06377, section 3).

    Keywords: random mask, mae masking, masking, patch masking, mask patches, random erasing, cutout.

    Args:
        patch_size: Height and width of a patch, in pixels.
        mask_ratio: Share of the patches that is hidden; what is seen is rounded down.
        shared: Whether the same patches are hidden in all images of a batch.
    """

    augmentation: ClassVar[Augmentation] = Augmentation(
        steps=[{"random_resized_crop": {"scale": [0.2, 1.0], "interpolation": "bicubic"}}, "flip"]
    )
    """MAE (arXiv:2111.06377, table 8)."""

    def __init__(
        self,
        patch_size: Size = 16,
        mask_ratio: Annotated[float, Interval(ge=0, lt=1)] = 0.75,
        shared: bool = False,
    ) -> None:
        super().__init__()
        self.patch_size = pair(patch_size)
        self.mask_ratio, self.shared = mask_ratio, shared

    def forward(self, image: Annotated[Image, "B C H W"]) -> RandomChoice:
        """Indices of the patches that are seen, in random order, and of each patch among them and then the hidden ones.

        Args:
            image: [B, C, H, W]; only its size counts.
        """
        down, across = (-(-image.shape[2 + axis] // self.patch_size[axis]) for axis in range(2))
        patches = down * across
        keep = int(patches * (1 - self.mask_ratio))
        drawn = torch.rand(1 if self.shared else image.shape[0], patches, device=image.device)
        order = drawn.argsort(dim=1).expand(image.shape[0], -1)
        ids_restore = order.argsort(dim=1)
        return RandomChoice(order[:, :keep], ids_restore, (ids_restore >= keep).to(torch.float32))


class GivenChoice(NamedTuple):
    """Which patches are seen, and which are hidden."""

    ids_keep: Annotated[AnyTensor, "B U"]
    ids_masked: Annotated[AnyTensor, "B mask_tokens_num"]


class MaskedPatches(nn.Module):
    """The patches that a mask leaves, and those that it hides, of which every image has as many (CAE).

    Keywords: mask indices, visible patches, hidden patches, nonzero, mask to ids.

    Args:
        mask_tokens_num: Hidden patches of an image.

    Raises:
        ValueError: In ``forward``: an image has another number of hidden patches.
    """

    augmentation: ClassVar[Augmentation] = Augmentation(hidden={"block": {}}, count="mask_tokens_num")

    def __init__(self, mask_tokens_num: Count = 75) -> None:
        super().__init__()
        self.mask_tokens_num = mask_tokens_num

    def forward(self, mask: Annotated[Mask, "B Y X"]) -> GivenChoice:
        """Indices of both kinds (int64), each in the order of the image.

        Args:
            mask: [B, patches down, patches across], 1 or true where a patch is hidden.
        """
        check_flags("mask", mask)
        hidden = mask.flatten(1).bool()
        if values_are_known(mask) and first_look("hidden", mask):
            counts = hidden.sum(dim=1)
            if bool((counts != self.mask_tokens_num).any()):
                raise InputError(
                    "mask",
                    f"found images with {sorted(set(counts.tolist()))} hidden patches, expected "
                    f"{self.mask_tokens_num} in each: make masks of that many, or set mask_tokens_num here and in "
                    "the neck",
                )
        order = hidden.to(torch.uint8).argsort(dim=1, stable=True)
        keep = order.shape[1] - self.mask_tokens_num
        return GivenChoice(order[:, :keep], order[:, keep:])
