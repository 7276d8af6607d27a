"""Projections of features to embeddings: linear layers, normalisations and activations."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.activation import build_activation
from components.shared.augmentations import MOCO
from components.shared.bounds import Count
from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm
from components.shared.pooled import pooled_rows
from composer.ports import AnyTensor, Augmentation, Embedding, FeatureMap, InputError, LayerCount, Usually

__all__ = ["DenseCLNeck", "LinearNeck", "MoCoV2Neck", "NonLinearNeck", "SwAVNeck"]

_BATCH_NORM: dict[str, Any] = {"type": "BN1d"}
_SYNC_NORM: dict[str, Any] = {"type": "SyncBN"}
_IDENTITY: tuple[dict[str, Any], ...] = ({"type": "Constant", "val": 1, "layer": ["_BatchNorm", "GroupNorm"]},)
_ONES: dict[str, Any] = {"type": "Constant", "val": 1, "layer": ("_BatchNorm", "GroupNorm")}


class LinearNeck(nn.Module):
    """Mean over the places, linear layer, normalisation, activation: OpenMMLab's neck of this name.

    mmselfsup's neck of the same name (MoCo, arXiv:1911.05722, section 3.3; NPID) is this one with ``gap_dim`` 2 and no
    ``norm_cfg``.

    Keywords: linear projection, embedding layer, bottleneck layer, projection, projection head, reduce dimension,
    fc neck.

    Args:
        in_channels: Channels of the incoming feature.
        out_channels: Length of the embedding.
        gap_dim: Axes of places that are averaged: 2 for maps, 1 for sequences, 0 for embeddings.
        norm_cfg: The normalisation after the layer: ``type`` BN1d or SyncBN, ``eps``, ``momentum``; None for none.
        act_cfg: The activation after it; None for none.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: The feature has other axes than ``gap_dim`` averages.
    """

    augmentation: ClassVar[Augmentation] = Augmentation(views=[MOCO], where="momentum")

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        gap_dim: Literal[0, 1, 2, 3] = 0,
        norm_cfg: dict[str, Any] | None = _BATCH_NORM,
        act_cfg: dict[str, Any] | None = None,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        self.gap_dim = gap_dim
        self.fc = nn.Linear(in_channels, out_channels)
        self.norm = build_norm(norm_cfg, out_channels) if norm_cfg else nn.Identity()
        self.act = build_activation(act_cfg) if act_cfg else nn.Identity()
        initialize(self, init_cfg)

    def forward(
        self, feature: Annotated[AnyTensor, Usually("ResNet"), "B in_channels ..."]
    ) -> Annotated[Embedding, "B out_channels"]:
        rows: Tensor = pooled_rows(feature, self.gap_dim, "gap_dim")
        return self.act(self.norm(self.fc(rows)))


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
        in_channels: Count,
        hid_channels: Count,
        out_channels: Count,
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


class NonLinearNeck(nn.Module):
    """Linear layers with normalisations, and ReLU between them: OpenMMLab's neck of this name.

    The projection and prediction heads of SimCLR (arXiv:2002.05709, section 2.1), BYOL (arXiv:2006.07733, section
    3.2), SimSiam (arXiv:2011.10566, section 3), Barlow Twins (arXiv:2103.03230, section 2.2) and MoCo v3
    (arXiv:2104.02057, section 3).

    Keywords: projection head, projector, mlp, projection mlp, byol neck, simclr neck, simsiam neck, nonlinear
    projection, barlow projector, multilayer perceptron.

    Args:
        in_channels: Channels of the incoming feature.
        hid_channels: Width of the hidden layers.
        out_channels: Length of the embedding.
        num_layers: Linear layers, at least 2.
        with_bias: Whether the linear layers before the last one have a bias.
        with_last_bn: Whether a normalisation follows the last one.
        with_last_bn_affine: Whether that normalisation has a learned scale and shift.
        with_last_bias: Whether the last linear layer has a bias.
        with_avg_pool: Whether maps [B, C, H, W] come in, which are averaged; otherwise vectors [B, C].
        norm_cfg: The normalisations: ``type`` SyncBN or BN1d, ``eps``, ``momentum``.
        init_cfg: Rules that fill the first values.

    Raises:
        ValueError: What comes in is no map, or no vectors.
    """

    def __init__(
        self,
        in_channels: Count,
        hid_channels: Count,
        out_channels: Count,
        num_layers: Annotated[int, Ge(2), LayerCount()] = 2,
        with_bias: bool = False,
        with_last_bn: bool = True,
        with_last_bn_affine: bool = True,
        with_last_bias: bool = False,
        with_avg_pool: bool = True,
        norm_cfg: dict[str, Any] = _SYNC_NORM,
        init_cfg: InitCfg = _IDENTITY,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.num_layers = num_layers
        self.places = 2 if with_avg_pool else 0
        self.relu = nn.ReLU(inplace=True)
        for index in range(num_layers - 1):
            self._add_layer(index, in_channels if index == 0 else hid_channels, hid_channels, with_bias, norm_cfg)
        last_norm = {**norm_cfg, "affine": with_last_bn_affine} if with_last_bn else None
        self._add_layer(num_layers - 1, hid_channels, out_channels, with_last_bias, last_norm)
        initialize(self, init_cfg)

    def forward(
        self, feature: Annotated[AnyTensor, Usually("ResNet"), "B in_channels ..."]
    ) -> Annotated[Embedding, "B out_channels"]:
        x: Tensor = pooled_rows(feature, self.places, "with_avg_pool")
        for index in range(self.num_layers):
            x = self.get_submodule(f"fc{index}")(x if index == 0 else self.relu(x))
            x = self.get_submodule(f"bn{index}")(x)
        return x

    def _add_layer(
        self, index: int, in_channels: int, out_channels: int, bias: bool, norm_cfg: Mapping[str, Any] | None
    ) -> None:
        self.add_module(f"fc{index}", nn.Linear(in_channels, out_channels, bias=bias))
        self.add_module(f"bn{index}", nn.Identity() if norm_cfg is None else build_norm(norm_cfg, out_channels))


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
        in_channels: Count,
        hid_channels: Annotated[int, Ge(0)],
        out_channels: Annotated[int, Ge(0)],
        with_avg_pool: bool = True,
        with_l2norm: bool = True,
        norm_cfg: dict[str, Any] = _SYNC_NORM,
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
            raise InputError(
                "features",
                f"found {found}, expected one or more with {self.in_channels} channels: set in_channels to "
                "those of the backbone",
            )
        rows = torch.cat([pooled_rows(feature, self.places, "with_avg_pool") for feature in features])
        embedding: Tensor = rows if self.projection_neck is None else self.projection_neck(rows)
        return F.normalize(embedding, dim=1) if self.with_l2norm else embedding


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
        in_channels: Count,
        hid_channels: Count,
        out_channels: Count,
        num_grid: Count | None = None,
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
