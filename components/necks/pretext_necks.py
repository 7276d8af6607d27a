"""Necks of clustering and of the comparison of patches."""

from typing import Annotated, Any

import torch
from torch import nn

from components.shared.bounds import Count
from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm
from components.shared.pooled import pooled_rows
from composer.ports import AnyTensor, Embedding, Usually

__all__ = ["ODCNeck", "RelativeLocNeck"]

_SYNC_NORM: dict[str, Any] = {"type": "SyncBN"}
_ONES: dict[str, Any] = {"type": "Constant", "val": 1, "layer": ("_BatchNorm", "GroupNorm")}
_BATCH_NORM: dict[str, Any] = {"type": "BN1d"}
_NORMAL: tuple[dict[str, Any], ...] = (
    {"type": "Normal", "std": 0.01, "layer": "Linear"},
    {"type": "Constant", "val": 1, "layer": ("_BatchNorm", "GroupNorm")},
)


class ODCNeck(nn.Module):
    """Mean over the places, linear, normalisation, ReLU, dropout, linear, ReLU (ODC, arXiv:2006.10645, section 4.1).

    The normalisation learns nothing, and its statistics move by 0.001 a step, as in OpenMMLab.

    Keywords: odc, online deep clustering neck, mlp.

    Args:
        in_channels: Channels of the incoming feature.
        hid_channels: Width of the hidden layer.
        out_channels: Length of the embedding.
        with_avg_pool: Whether maps [B, C, H, W] come in, which are averaged; otherwise vectors [B, C].
        norm_cfg: The normalisation: ``type`` SyncBN or BN1d, ``eps``.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: ``norm_cfg`` names something unknown. In ``forward``: what comes in is no map, or no vectors.
    """

    def __init__(
        self,
        in_channels: Count,
        hid_channels: Count,
        out_channels: Count,
        with_avg_pool: bool = True,
        norm_cfg: dict[str, Any] = _SYNC_NORM,
        init_cfg: InitCfg = _ONES,
    ) -> None:
        super().__init__()
        self.places = 2 if with_avg_pool else 0
        self.fc0 = nn.Linear(in_channels, hid_channels)
        self.bn0 = build_norm({**norm_cfg, "momentum": 0.001, "affine": False}, hid_channels)
        self.fc1 = nn.Linear(hid_channels, out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout()
        initialize(self, init_cfg)

    def forward(
        self, feature: Annotated[AnyTensor, Usually("ResNet"), "B in_channels ..."]
    ) -> Annotated[Embedding, "B out_channels"]:
        hidden = self.bn0(self.fc0(pooled_rows(feature, self.places, "with_avg_pool")))
        return self.relu(self.fc1(self.dropout(self.relu(hidden))))


class RelativeLocNeck(nn.Module):
    """The features of two patches side by side, then linear, normalisation, ReLU, dropout (arXiv:1505.05192, figure 3).

    OpenMMLab's takes the two already joined; here each has a port. The statistics of the normalisation move by 0.003
    a step, as in OpenMMLab.

    Keywords: relative location, context prediction, jigsaw, relative patch location.

    Args:
        in_channels: Channels of one patch's feature.
        out_channels: Length of the embedding.
        with_avg_pool: Whether maps [B, C, H, W] come in, which are averaged; otherwise vectors [B, C].
        norm_cfg: The normalisation: ``type`` BN1d or SyncBN, ``eps``.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: ``norm_cfg`` names something unknown. In ``forward``: what comes in is no map, or no vectors.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        with_avg_pool: bool = True,
        norm_cfg: dict[str, Any] = _BATCH_NORM,
        init_cfg: InitCfg = _NORMAL,
    ) -> None:
        super().__init__()
        self.places = 2 if with_avg_pool else 0
        self.fc = nn.Linear(2 * in_channels, out_channels)
        self.bn = build_norm({**norm_cfg, "momentum": 0.003}, out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout()
        initialize(self, init_cfg)

    def forward(
        self,
        patch: Annotated[AnyTensor, Usually("ResNet"), "B in_channels ..."],
        center: Annotated[AnyTensor, Usually("ResNet"), "B in_channels ..."],
    ) -> Annotated[Embedding, "B out_channels"]:
        """dropout(ReLU(norm(W [patch, center] + b)))."""
        pair = torch.cat([pooled_rows(one, self.places, "with_avg_pool") for one in (patch, center)], dim=1)
        return self.dropout(self.relu(self.bn(self.fc(pair))))
