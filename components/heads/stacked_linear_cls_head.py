"""A classifier of several linear layers."""

from typing import Annotated, Any

from annotated_types import Ge, Interval, MinLen
from torch import Tensor, nn

from components.shared.activation import build_activation
from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm
from composer.ports import Embedding, Logits, Usually

__all__ = ["StackedLinearClsHead"]

RELU: dict[str, Any] = {"type": "ReLU"}


class StackedLinearClsHead(nn.Module):
    """Hidden linear layers, then one to the logits of the classes (as in MobileNetV3, arXiv:1905.02244, table 1).

    The loss is a node of its own, wired to ``out``.

    Keywords: mlp, mlp head, multilayer perceptron, hidden layers, mobilenet v3 head, classifier, classification
    head, feedforward.

    Args:
        num_classes: Classes, at least 1.
        in_channels: Length of the embedding.
        mid_channels: Length of each hidden layer.
        dropout_rate: Dropout after each hidden layer, from 0 to 1.
        norm_cfg: Normalisation after each hidden layer, such as ``{type: BN1d}``; None for none.
        act_cfg: Activation after each hidden layer; None for none.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: One of the ``_cfg`` names something unknown.
    """

    def __init__(
        self,
        num_classes: Annotated[int, Ge(1)],
        in_channels: Annotated[int, Ge(1)],
        mid_channels: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)],
        dropout_rate: Annotated[float, Interval(ge=0, le=1)] = 0.0,
        norm_cfg: dict[str, Any] | None = None,
        act_cfg: dict[str, Any] | None = RELU,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        lengths = (in_channels, *mid_channels)
        self.layers = nn.ModuleList(
            LinearBlock(before, after, dropout_rate, norm_cfg, act_cfg)
            for before, after in zip(lengths, mid_channels, strict=False)
        )
        self.layers.append(LinearBlock(lengths[-1], num_classes, 0.0, None, None))
        initialize(self, init_cfg)

    def forward(
        self, feature: Annotated[Embedding, Usually("GlobalAveragePooling"), "B in_channels"]
    ) -> Annotated[Logits, "B num_classes"]:
        """One layer after the other."""
        for layer in self.layers:
            feature = layer(feature)
        return feature


class LinearBlock(nn.Module):
    """Linear layer, normalisation, activation, dropout; each but the first may be left out.

    Args:
        in_channels: Length of the input.
        out_channels: Length of the output.
        dropout_rate: Share of the outputs that is dropped.
        norm_cfg: The normalisation.
        act_cfg: The activation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dropout_rate: float,
        norm_cfg: dict[str, Any] | None,
        act_cfg: dict[str, Any] | None,
    ) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels)
        self.norm = nn.Identity() if norm_cfg is None else build_norm(norm_cfg, out_channels)
        self.act = nn.Identity() if act_cfg is None else build_activation(act_cfg)
        self.dropout = nn.Dropout(dropout_rate)

    def forward(self, x: Tensor) -> Tensor:
        """[B, in_channels] to [B, out_channels]."""
        return self.dropout(self.act(self.norm(self.fc(x))))
