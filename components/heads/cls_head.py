"""The classifier of pretext tasks."""

from typing import Annotated, Any

from annotated_types import Ge
from torch import Tensor, nn

from components.shared.initialization import InitCfg, initialize
from components.shared.pooled import pooled_rows
from composer.ports import AnyTensor, Logits, Usually

__all__ = ["ClsHead"]

_NORMAL: tuple[dict[str, Any], ...] = (
    {"type": "Normal", "std": 0.01, "layer": "Linear"},
    {"type": "Constant", "val": 1, "layer": ("_BatchNorm", "GroupNorm")},
)


class ClsHead(nn.Module):
    """One linear layer to the classes of a pretext task: mmselfsup's ClsHead (mmpretrain's of that name has no layer).

    The loss is a node of its own, wired to ``out``. When samples are clustered anew, the layer starts anew too
    (DeepCluster, arXiv:1807.05520, section 3.2). mmselfsup's option for backbones that are transformers is left out:
    wire their class token.

    Keywords: pretext head, rotation head, linear head, classification head, classifier.

    Args:
        with_avg_pool: Whether a map [B, C, H, W] comes in, which is averaged.
        in_channels: Length of what comes in: channels, times places where a map is not averaged.
        num_classes: Classes.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layer.

    Raises:
        ValueError: ``init_cfg`` names something unknown. In ``forward``: what comes in has another length.
    """

    def __init__(
        self,
        with_avg_pool: bool = False,
        in_channels: Annotated[int, Ge(1)] = 2048,
        num_classes: Annotated[int, Ge(1)] = 1000,
        init_cfg: InitCfg = _NORMAL,
    ) -> None:
        super().__init__()
        self.with_avg_pool = with_avg_pool
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.init_cfg = init_cfg
        self.fc_cls = nn.Linear(in_channels, num_classes)
        initialize(self, init_cfg)

    def forward(self, feature: Annotated[AnyTensor, Usually("ResNet"), "B ..."]) -> Annotated[Logits, "B num_classes"]:
        """W feature + b."""
        rows = pooled_rows(feature, 2, "with_avg_pool") if self.with_avg_pool else feature.flatten(1)
        if rows.shape[1] != self.in_channels:
            raise ValueError(
                f"feature: found {rows.shape[1]} numbers a sample, expected {self.in_channels}: set in_channels to "
                f"{rows.shape[1]}"
            )
        return self.fc_cls(rows)

    def new_clusters(self, features: Tensor, labels: Tensor) -> None:
        """Start anew: the clusters that the classes stood for are gone.

        Args:
            features: Not looked at.
            labels: Not looked at.
        """
        self.fc_cls.reset_parameters()
        initialize(self, self.init_cfg)
