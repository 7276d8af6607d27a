"""The projection of online deep clustering."""

from typing import Annotated, Any

from annotated_types import Ge
from torch import nn

from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm
from components.shared.pooled import pooled_rows
from composer.ports import AnyTensor, Embedding, Usually

__all__ = ["ODCNeck"]

_NORM: dict[str, Any] = {"type": "SyncBN"}
_ONES: dict[str, Any] = {"type": "Constant", "val": 1, "layer": ("_BatchNorm", "GroupNorm")}


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
        in_channels: Annotated[int, Ge(1)],
        hid_channels: Annotated[int, Ge(1)],
        out_channels: Annotated[int, Ge(1)],
        with_avg_pool: bool = True,
        norm_cfg: dict[str, Any] = _NORM,
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
