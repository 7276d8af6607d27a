"""The linear classifier."""

from typing import Annotated, Any

from annotated_types import Ge
from torch import nn

from components.shared.initialization import InitCfg, initialize
from composer.ports import Embedding, Logits, Usually

__all__ = ["LinearClsHead"]

NORMAL: dict[str, Any] = {"type": "Normal", "layer": "Linear", "std": 0.01}


class LinearClsHead(nn.Module):
    """One linear layer from an embedding to the logits of the classes (arXiv:1512.03385, section 3.3).

    The loss is a node of its own, wired to ``out``.

    Keywords: classifier, classification head, cls head, linear classifier, linear head, fc, fully connected,
    logits, softmax classifier, dense, output layer, num_classes, linear probe, head.

    Args:
        num_classes: Classes, at least 1.
        in_channels: Length of the embedding.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layer.

    Raises:
        ValueError: ``init_cfg`` names something unknown.
    """

    def __init__(
        self,
        num_classes: Annotated[int, Ge(1)],
        in_channels: Annotated[int, Ge(1)],
        init_cfg: InitCfg = NORMAL,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.fc = nn.Linear(in_channels, num_classes)
        initialize(self, init_cfg)

    def forward(
        self, feature: Annotated[Embedding, Usually("GlobalAveragePooling"), "B in_channels"]
    ) -> Annotated[Logits, "B num_classes"]:
        """W feature + b."""
        return self.fc(feature)
