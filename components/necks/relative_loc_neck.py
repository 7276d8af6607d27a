"""The comparison of two patches."""

from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import nn

from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm
from components.shared.pooled import pooled_rows
from composer.ports import AnyTensor, Embedding, Usually

__all__ = ["RelativeLocNeck"]

_NORM: dict[str, Any] = {"type": "BN1d"}
_NORMAL: tuple[dict[str, Any], ...] = (
    {"type": "Normal", "std": 0.01, "layer": "Linear"},
    {"type": "Constant", "val": 1, "layer": ("_BatchNorm", "GroupNorm")},
)


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
        in_channels: Annotated[int, Ge(1)],
        out_channels: Annotated[int, Ge(1)],
        with_avg_pool: bool = True,
        norm_cfg: dict[str, Any] = _NORM,
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
