"""From an embedding to the logits of the classes."""

import math
from typing import Annotated, Any, ClassVar, NamedTuple

from annotated_types import MinLen
from torch import Tensor, nn

from components.shared.activation import build_activation
from components.shared.augmentations import CLUSTERS, DEIT
from components.shared.bounds import Count, Probability
from components.shared.initialization import InitCfg, initialize, trunc_normal_
from components.shared.norm import build_norm
from components.shared.pooled import pooled_rows
from components.shared.transformer import activation
from composer.ports import AnyTensor, Augmentation, Embedding, InputError, Logits, Usually

__all__ = ["ClsHead", "LinearClsHead", "StackedLinearClsHead", "VisionTransformerClsHead"]

NORMAL: dict[str, Any] = {"type": "Normal", "layer": "Linear", "std": 0.01}
_NORMAL: tuple[dict[str, Any], ...] = (
    {"type": "Normal", "std": 0.01, "layer": "Linear"},
    {"type": "Constant", "val": 1, "layer": ("_BatchNorm", "GroupNorm")},
)
RELU: dict[str, Any] = {"type": "ReLU"}
_TANH: dict[str, Any] = {"type": "Tanh"}
_ZEROS: dict[str, Any] = {"type": "Constant", "layer": "Linear", "val": 0}


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
        num_classes: Count,
        in_channels: Count,
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

    augmentation: ClassVar[Augmentation] = Augmentation(steps=CLUSTERS, shifted=False, where="clusters")

    def __init__(
        self,
        with_avg_pool: bool = False,
        in_channels: Count = 2048,
        num_classes: Count = 1000,
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
            raise InputError(
                "feature",
                f"found {rows.shape[1]} numbers a sample, expected {self.in_channels}: set in_channels to "
                f"{rows.shape[1]}",
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
        num_classes: Count,
        in_channels: Count,
        mid_channels: Annotated[tuple[Count, ...], MinLen(1)],
        dropout_rate: Probability = 0.0,
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


class VisionTransformerClsOutput(NamedTuple):
    """What the head gives: the scores, and the embedding they are read from."""

    logits: Annotated[Logits, "B num_classes"]
    pre_logits: Annotated[Embedding, "B pre_logits_channels"]


class VisionTransformerClsHead(nn.Module):
    """A linear classifier of the class token, with a hidden layer in pre-training (ViT, arXiv:2010.11929, section 3.1).

    The loss is a node of its own, wired to ``logits``.

    Keywords: vit head, cls token head, class token classifier, classification head, classifier.

    Args:
        num_classes: Categories.
        in_channels: Length of the incoming embedding.
        hidden_dim: Length of the hidden layer; ``None`` for no such layer.
        act_cfg: Activation after the hidden layer, ``{type: Tanh}``.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list; the default starts from zeros. The
            hidden layer always starts from a truncated normal of variance 1 / in_channels and a bias of 0.
    """

    augmentation: ClassVar[Augmentation] = DEIT

    def __init__(
        self,
        num_classes: Count,
        in_channels: Count,
        hidden_dim: Count | None = None,
        act_cfg: dict[str, Any] = _TANH,
        init_cfg: InitCfg = _ZEROS,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.pre_logits_channels = hidden_dim or in_channels
        self.layers = nn.Sequential()
        if hidden_dim is not None:
            self.layers.add_module("pre_logits", nn.Linear(in_channels, hidden_dim))
            self.layers.add_module("act", activation(act_cfg))
        self.layers.add_module("head", nn.Linear(self.pre_logits_channels, num_classes))
        initialize(self, init_cfg)
        if hidden_dim is not None:
            hidden = self.layers.get_submodule("pre_logits")
            trunc_normal_(hidden.get_parameter("weight"), std=math.sqrt(1 / in_channels))
            nn.init.zeros_(hidden.get_parameter("bias"))

    def forward(
        self, feature: Annotated[Embedding, Usually("VisionTransformer"), "B in_channels"]
    ) -> VisionTransformerClsOutput:
        """Scores of the categories, and the embedding before the last layer.

        Args:
            feature: [B, in_channels], the class token.
        """
        pre_logits = self.layers[:-1](feature)
        return VisionTransformerClsOutput(self.layers[-1](pre_logits), pre_logits)
