"""The decoder of SimMIM."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from composer.ports import FeatureMap, Usually

__all__ = ["SimMIMLinearDecoder"]

_COLORS = 3


class SimMIMLinearDecoder(nn.Module):
    """Predicts the pixels under every cell of a map by one linear layer (SimMIM, arXiv:2111.09886, section 3.3).

    mmselfsup's class ``SimMIMNeck`` is this one.

    Keywords: simmim decoder, pixel decoder, decoder, pixelshuffle decoder.

    Args:
        in_channels: Channels of the map.
        encoder_stride: Pixels from cell to cell of the map, down and across.
    """

    def __init__(self, in_channels: Annotated[int, Ge(1)], encoder_stride: Annotated[int, Ge(1)]) -> None:
        super().__init__()
        self.decoder = nn.Sequential(
            nn.Conv2d(in_channels, encoder_stride**2 * _COLORS, kernel_size=1), nn.PixelShuffle(encoder_stride)
        )

    def forward(
        self, feature: Annotated[FeatureMap, Usually("SimMIMSwinTransformer"), "B in_channels H W"]
    ) -> Annotated[FeatureMap, "B 3 Y X"]:
        """[B, in_channels, H, W] to pictures, encoder_stride times as high and wide."""
        return self.decoder(feature)
