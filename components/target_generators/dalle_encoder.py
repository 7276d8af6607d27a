"""The encoder of DALL-E's discrete VAE, which gives patches their visual words."""

import math
from collections import OrderedDict
from typing import Annotated, Any

import torch
from annotated_types import Ge, MultipleOf
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count
from composer.ports import AnyTensor, FeatureMap, Image, LayerCount, Usually

__all__ = ["DALLEEncoder"]

_GROUPS = 4


class Convolution(nn.Module):
    """A convolution over a map that keeps its size, with the names of DALL-E's weights."""

    def __init__(self, n_in: int, n_out: int, size: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(n_out, n_in, size, size) / math.sqrt(n_in * size**2))
        self.b = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """[B, n_in, H, W] to [B, n_out, H, W]."""
        return F.conv2d(x, self.w, self.b, padding=(self.w.shape[-1] - 1) // 2)


class EncoderBlock(nn.Module):
    """A residual block whose branch counts 1 / blocks^2 (DALL-E, arXiv:2102.12092, appendix A)."""

    def __init__(self, n_in: int, n_out: int, blocks: int) -> None:
        super().__init__()
        hidden = n_out // 4
        self.post_gain = 1 / blocks**2
        self.id_path = nn.Identity() if n_in == n_out else Convolution(n_in, n_out, 1)
        path: OrderedDict[str, nn.Module] = OrderedDict()
        sizes = [(n_in, hidden, 3), (hidden, hidden, 3), (hidden, hidden, 3), (hidden, n_out, 1)]
        for index, size in enumerate(sizes, start=1):
            path[f"relu_{index}"] = nn.ReLU()
            path[f"conv_{index}"] = Convolution(*size)
        self.res_path = nn.Sequential(path)

    def forward(self, x: Tensor) -> Tensor:
        """[B, n_in, H, W] to [B, n_out, H, W]."""
        return self.id_path(x) + self.post_gain * self.res_path(x)


class DALLEEncoder(nn.Module):
    """Scores of visual words for every 8 x 8 pixels, by DALL-E's tokenizer (arXiv:2102.12092, section 2.1).

    It is never trained here and no gradient flows through it: load the published weights. OpenMMLab's configs call it
    ``DALL-E``. Departs from OpenMMLab, which computes with half precision on a GPU: use autocast for that.

    Keywords: dall-e, dvae, discrete vae, tokenizer, visual tokens, beit tokenizer.

    Args:
        n_hid: Channels of the first group of blocks; they double from group to group.
        n_blk_per_group: Blocks of each of the four groups.
        input_channels: Channels of the image.
        vocab_size: Visual words.
    """

    def __init__(
        self,
        n_hid: Annotated[int, Ge(4), MultipleOf(4)] = 256,
        n_blk_per_group: Annotated[int, Ge(1), LayerCount()] = 2,
        input_channels: Count = 3,
        vocab_size: Count = 8192,
    ) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict(input=Convolution(input_channels, n_hid, 7))
        wide = n_hid
        for index in range(_GROUPS):
            group: OrderedDict[str, nn.Module] = OrderedDict()
            for block in range(n_blk_per_group):
                group[f"block_{block + 1}"] = EncoderBlock(wide, n_hid * 2**index, _GROUPS * n_blk_per_group)
                wide = n_hid * 2**index
            if index < _GROUPS - 1:
                group["pool"] = nn.MaxPool2d(2)
            parts[f"group_{index + 1}"] = nn.Sequential(group)
        last: dict[str, Any] = {"relu": nn.ReLU(), "conv": Convolution(wide, vocab_size, 1)}
        parts["output"] = nn.Sequential(OrderedDict(last))
        self.blocks = nn.Sequential(parts)
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(
        self, image: Annotated[FeatureMap, Usually(Image), "B input_channels H W"]
    ) -> Annotated[AnyTensor, "B vocab_size Y X"]:
        """[B, input_channels, H, W], from 0.1 to 0.9, to [B, vocab_size, H / 8, W / 8]."""
        return self.blocks(image)
