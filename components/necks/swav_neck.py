"""The projection of crops of several sizes."""

from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm
from components.shared.pooled import pooled_rows
from composer.ports import Embedding, FeatureMap, Usually

__all__ = ["SwAVNeck"]

_NORM: dict[str, Any] = {"type": "SyncBN"}
_ONES: dict[str, Any] = {"type": "Constant", "val": 1, "layer": ("_BatchNorm", "GroupNorm")}


class SwAVNeck(nn.Module):
    """The features of all crops under one another, then linear, normalisation, ReLU, linear, and length 1.

    SwAV, arXiv:2006.09882, section 4.1: one wire for each size of crops, whose maps are averaged and joined in the
    order of the wires. OpenMMLab's fails without ``with_avg_pool``; this one then takes vectors.

    Keywords: swav projection, projection head, multi-crop, projector, mlp.

    Args:
        in_channels: Channels of the incoming features.
        hid_channels: Width of the hidden layer; 0 for a single linear layer.
        out_channels: Length of the embedding; 0 for no layer at all.
        with_avg_pool: Whether maps [N, C, H, W] come in, which are averaged; otherwise vectors [N, C].
        with_l2norm: Whether embeddings are brought to length 1.
        norm_cfg: The normalisation: ``type`` SyncBN or BN1d, ``eps``, ``momentum``.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: ``norm_cfg`` names something unknown. In ``forward``: a feature has other channels or axes, or there
            is none.
    """

    def __init__(
        self,
        in_channels: Annotated[int, Ge(1)],
        hid_channels: Annotated[int, Ge(0)],
        out_channels: Annotated[int, Ge(0)],
        with_avg_pool: bool = True,
        with_l2norm: bool = True,
        norm_cfg: dict[str, Any] = _NORM,
        init_cfg: InitCfg = _ONES,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.embedding_channels = out_channels or in_channels
        self.places = 2 if with_avg_pool else 0
        self.with_l2norm = with_l2norm
        self.projection_neck: nn.Module | None = None
        if out_channels and hid_channels:
            self.bn = build_norm(norm_cfg, hid_channels)  # a second name for the same weights, as in OpenMMLab
            self.projection_neck = nn.Sequential(
                nn.Linear(in_channels, hid_channels),
                self.bn,
                nn.ReLU(inplace=True),
                nn.Linear(hid_channels, out_channels),
            )
        elif out_channels:
            self.projection_neck = nn.Linear(in_channels, out_channels)
        initialize(self, init_cfg)

    def forward(
        self, *features: Annotated[FeatureMap, Usually("ResNet")]
    ) -> Annotated[Embedding, "N embedding_channels"]:
        """Each size's crops averaged, all of them under one another, projected."""
        if not features or any(feature.shape[1] != self.in_channels for feature in features):
            found = [list(feature.shape) for feature in features]
            raise ValueError(
                f"features: found {found}, expected one or more with {self.in_channels} channels: set in_channels to "
                "those of the backbone"
            )
        rows = torch.cat([pooled_rows(feature, self.places, "with_avg_pool") for feature in features])
        embedding: Tensor = rows if self.projection_neck is None else self.projection_neck(rows)
        return F.normalize(embedding, dim=1) if self.with_l2norm else embedding
