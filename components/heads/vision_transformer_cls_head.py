"""The classification head of vision transformers."""

import math
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge
from torch import nn

from components.shared.initialization import InitCfg, initialize, trunc_normal_
from components.shared.transformer import activation
from composer.ports import Embedding, Logits, Usually

__all__ = ["VisionTransformerClsHead"]

_TANH: dict[str, Any] = {"type": "Tanh"}
_ZEROS: dict[str, Any] = {"type": "Constant", "layer": "Linear", "val": 0}


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

    def __init__(
        self,
        num_classes: Annotated[int, Ge(1)],
        in_channels: Annotated[int, Ge(1)],
        hidden_dim: Annotated[int, Ge(1)] | None = None,
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
