"""Projections by an MLP: of SimCLR, BYOL, SimSiam, Barlow Twins and MoCo v3."""

from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Ge
from torch import Tensor, nn

from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm
from components.shared.pooled import pooled_rows
from composer.ports import AnyTensor, Embedding, LayerCount, Usually

__all__ = ["NonLinearNeck"]

_NORM: dict[str, Any] = {"type": "SyncBN"}
_IDENTITY: tuple[dict[str, Any], ...] = ({"type": "Constant", "val": 1, "layer": ["_BatchNorm", "GroupNorm"]},)


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
        in_channels: Annotated[int, Ge(1)],
        hid_channels: Annotated[int, Ge(1)],
        out_channels: Annotated[int, Ge(1)],
        num_layers: Annotated[int, Ge(2), LayerCount()] = 2,
        with_bias: bool = False,
        with_last_bn: bool = True,
        with_last_bn_affine: bool = True,
        with_last_bias: bool = False,
        with_avg_pool: bool = True,
        norm_cfg: dict[str, Any] = _NORM,
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
