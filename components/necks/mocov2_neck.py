"""The projection of MoCo v2."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from components.shared.initialization import InitCfg, initialize
from components.shared.pooled import pooled_rows
from composer.ports import AnyTensor, Embedding, Usually

__all__ = ["MoCoV2Neck"]


class MoCoV2Neck(nn.Module):
    """Mean over the places, then two linear layers with ReLU between them (MoCo v2, arXiv:2003.04297, section 3).

    Keywords: projection head, projector, mlp projection, mlp, moco v2, moco, simclr projection.

    Args:
        in_channels: Channels of the incoming feature.
        hid_channels: Width of the hidden layer.
        out_channels: Length of the embedding.
        with_avg_pool: Whether maps [B, C, H, W] come in, which are averaged; otherwise vectors [B, C].
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: What comes in is no map, or no vectors.
    """

    def __init__(
        self,
        in_channels: Annotated[int, Ge(1)],
        hid_channels: Annotated[int, Ge(1)],
        out_channels: Annotated[int, Ge(1)],
        with_avg_pool: bool = True,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.places = 2 if with_avg_pool else 0
        self.mlp = nn.Sequential(
            nn.Linear(in_channels, hid_channels), nn.ReLU(inplace=True), nn.Linear(hid_channels, out_channels)
        )
        initialize(self, init_cfg)

    def forward(
        self, feature: Annotated[AnyTensor, Usually("ResNet"), "B in_channels ..."]
    ) -> Annotated[Embedding, "B out_channels"]:
        return self.mlp(pooled_rows(feature, self.places, "with_avg_pool"))
