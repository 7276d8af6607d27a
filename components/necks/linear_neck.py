"""A linear projection of features."""

from typing import Annotated, Any, Literal

from annotated_types import Ge
from torch import Tensor, nn

from components.shared.activation import build_activation
from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm
from components.shared.pooled import pooled_rows
from composer.ports import AnyTensor, Embedding, Usually

__all__ = ["LinearNeck"]

_NORM: dict[str, Any] = {"type": "BN1d"}


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

    def __init__(
        self,
        in_channels: Annotated[int, Ge(1)],
        out_channels: Annotated[int, Ge(1)],
        gap_dim: Literal[0, 1, 2, 3] = 0,
        norm_cfg: dict[str, Any] | None = _NORM,
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
