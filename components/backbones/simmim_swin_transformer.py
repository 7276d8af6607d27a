"""Swin transformer that learns by filling in patches."""

from typing import Annotated, Any, ClassVar

import torch
from torch import nn

from components.backbones.swin_transformer import Arch, SwinTransformer
from components.shared.augmentations import SIMMIM
from components.shared.initialization import fill_small, trunc_normal_
from components.shared.patches import hide_tokens
from composer.ports import Augmentation, FeatureMap, Image, Mask, Pyramid, Usually

__all__ = ["SimMIMSwinTransformer"]


class SimMIMSwinTransformer(SwinTransformer):
    """A Swin transformer in which a learned token stands in for every hidden patch (SimMIM, arXiv:2111.09886).

    Keywords: simmim, masked image modeling, mim, mask token, swin.

    Args:
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list; the defaults come after them, as in
            OpenMMLab.

    Raises:
        ValueError: As SwinTransformer. In ``forward``: the mask has another number of patches.
    """

    augmentation: ClassVar[Augmentation] = SIMMIM

    def __init__(self, arch: Arch = "tiny", **kwargs: Any) -> None:
        super().__init__(
            arch, patch_size=4, window_size=7, out_after_downsample=False, interpolate_mode="bicubic", **kwargs
        )
        self.mask_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))
        trunc_normal_(self.mask_token, std=0.02)
        fill_small(self)

    def forward(
        self,
        image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"],
        mask: Annotated[Mask, "B Y X"] | None = None,
    ) -> Annotated[Pyramid, "B out_channels H W"]:
        """The maps of the stages ``out_indices``.

        Args:
            image: [B, in_channels, H, W].
            mask: [B, patches down, patches across], 1 or true where a patch is hidden; without it none is.
        """
        patches, grid = self.patch_embed(image)
        if mask is not None:
            patches = hide_tokens(patches, self.mask_token, mask)
        return self.encode(patches, grid)
