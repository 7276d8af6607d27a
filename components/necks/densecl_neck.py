"""The projections of DenseCL."""

from typing import Annotated, NamedTuple

from annotated_types import Ge
from torch import nn

from components.shared.initialization import InitCfg, initialize
from composer.ports import AnyTensor, Embedding, FeatureMap, Usually

__all__ = ["DenseCLNeck"]


class _Projections(NamedTuple):
    single: Annotated[Embedding, "B out_channels"]
    dense: Annotated[AnyTensor, "B out_channels N"]
    dense_mean: Annotated[Embedding, "B out_channels"]


class DenseCLNeck(nn.Module):
    """Two projections side by side, of the whole map and of each place (DenseCL, arXiv:2011.09157, section 3.2).

    Its outputs are the embedding of the map's mean, that of each of the N places, and the mean of the latter.

    Keywords: densecl, dense contrastive learning, projection head, dense projection.

    Args:
        in_channels: Channels of the incoming map.
        hid_channels: Width of the hidden layers.
        out_channels: Length of the embeddings.
        num_grid: Side of the grid that the map is averaged to before the places are projected; None keeps its own.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.
    """

    def __init__(
        self,
        in_channels: Annotated[int, Ge(1)],
        hid_channels: Annotated[int, Ge(1)],
        out_channels: Annotated[int, Ge(1)],
        num_grid: Annotated[int, Ge(1)] | None = None,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        self.pool = nn.Identity() if num_grid is None else nn.AdaptiveAvgPool2d(num_grid)
        self.mlp = nn.Sequential(
            nn.Linear(in_channels, hid_channels), nn.ReLU(inplace=True), nn.Linear(hid_channels, out_channels)
        )
        self.mlp2 = nn.Sequential(
            nn.Conv2d(in_channels, hid_channels, 1), nn.ReLU(inplace=True), nn.Conv2d(hid_channels, out_channels, 1)
        )
        initialize(self, init_cfg)

    def forward(self, feature: Annotated[FeatureMap, Usually("ResNet"), "B in_channels H W"]) -> _Projections:
        """[B, in_channels, H, W] to [B, out_channels], [B, out_channels, N] and [B, out_channels]."""
        dense = self.mlp2(self.pool(feature)).flatten(2)
        return _Projections(self.mlp(feature.mean(dim=(2, 3))), dense, dense.mean(dim=2))
