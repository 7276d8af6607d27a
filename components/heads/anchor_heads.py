"""Heads that score anchors and move them, the same layers on every level."""

import itertools
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge, MinLen
from torch import nn

from components.shared.bounds import Count
from components.shared.conv_module import ConvModule
from components.shared.initialization import InitCfg, initialize
from composer.ports import LayerCount, Pyramid, Usually

__all__ = ["RPNHead", "RetinaHead"]

NORMAL: dict[str, Any] = {"type": "Normal", "layer": "Conv2d", "std": 0.01}
FOCAL: dict[str, Any] = {**NORMAL, "override": {"type": "Normal", "name": "retina_cls", "std": 0.01, "bias_prob": 0.01}}


class AnchorOutputs(NamedTuple):
    """What is said about the anchors, one map a level."""

    cls_score: Annotated[Pyramid, "B score_channels H W"]
    bbox_pred: Annotated[Pyramid, "B delta_channels H W"]


class RPNHead(nn.Module):
    """Is there an object at an anchor, and where (region proposal network, arXiv:1506.01497, section 3.1).

    Keywords: rpn, region proposal network, proposal, objectness, faster r-cnn, detection head.

    Args:
        in_channels: Channels of every incoming level; a list, as a wire gives it, has the same number for all.
        feat_channels: Channels between.
        num_anchors: Anchors at each pixel: scales times ratios of the anchor generator.
        use_sigmoid: One score an anchor, by a sigmoid; else two, object and background, by a softmax.
        num_convs: 3x3 convolutions before the two outputs.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: The levels have different numbers of channels, or ``init_cfg`` names something unknown.
    """

    def __init__(
        self,
        in_channels: Count | Annotated[tuple[Count, ...], MinLen(1)],
        feat_channels: Count = 256,
        num_anchors: Count = 3,
        use_sigmoid: bool = True,
        num_convs: Annotated[Count, LayerCount()] = 1,
        init_cfg: InitCfg = NORMAL,
    ) -> None:
        super().__init__()
        first = _one_number(in_channels)
        self.score_channels = num_anchors * (1 if use_sigmoid else 2)
        self.delta_channels = num_anchors * 4
        if num_convs == 1:
            self.rpn_conv: nn.Module = nn.Conv2d(first, feat_channels, 3, padding=1)
        else:
            widths = [first] + [feat_channels] * num_convs
            pairs = itertools.pairwise(widths)
            self.rpn_conv = nn.Sequential(*(ConvModule(before, after, 3, padding=1) for before, after in pairs))
        self.rpn_cls = nn.Conv2d(feat_channels, self.score_channels, 1)
        self.rpn_reg = nn.Conv2d(feat_channels, self.delta_channels, 1)
        initialize(self, init_cfg)

    def forward(self, feature: Annotated[Pyramid, Usually("FPN"), "B in_channels H W"]) -> AnchorOutputs:
        """cls(relu(conv(x))) and reg(relu(conv(x))) of every level."""
        hidden = [self.rpn_conv(level).relu() for level in feature]
        return AnchorOutputs(tuple(map(self.rpn_cls, hidden)), tuple(map(self.rpn_reg, hidden)))


class RetinaHead(nn.Module):
    """RetinaNet's two subnets (arXiv:1708.02002, section 4): the class at an anchor, and where its box is.

    Keywords: retinanet, one-stage detector, single stage detector, dense detector, anchor head, detection head,
    object detection, bounding box.

    Args:
        num_classes: Classes without background.
        in_channels: Channels of every incoming level; a list, as a wire gives it, has the same number for all.
        stacked_convs: 3x3 convolutions in each subnet before its output.
        feat_channels: Their channels.
        num_anchors: Anchors at each pixel: scales times ratios of the anchor generator.
        use_sigmoid: A score for each class by itself; else a softmax, with background as the last class.
        conv_cfg: The convolutions; None is ``nn.Conv2d``.
        norm_cfg: The normalisations; None is none.
        init_cfg: Rules that fill the first values: by default each class starts with a probability of 0.01. None leaves
            those of PyTorch's layers.

    Raises:
        ValueError: The levels have different numbers of channels, or one of the ``_cfg`` names something unknown.
    """

    def __init__(
        self,
        num_classes: Count,
        in_channels: Count | Annotated[tuple[Count, ...], MinLen(1)],
        stacked_convs: Annotated[int, Ge(0), LayerCount()] = 4,
        feat_channels: Count = 256,
        num_anchors: Count = 9,
        use_sigmoid: bool = True,
        conv_cfg: dict[str, Any] | None = None,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: InitCfg = FOCAL,
    ) -> None:
        super().__init__()
        widths = [_one_number(in_channels)] + [feat_channels] * stacked_convs
        self.score_channels = num_anchors * (num_classes + (not use_sigmoid))
        self.delta_channels = num_anchors * 4

        def subnet() -> nn.ModuleList:
            pairs = itertools.pairwise(widths)
            cfgs: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg}
            return nn.ModuleList(ConvModule(before, after, 3, padding=1, **cfgs) for before, after in pairs)

        self.cls_convs, self.reg_convs = subnet(), subnet()
        self.retina_cls = nn.Conv2d(widths[-1], self.score_channels, 3, padding=1)
        self.retina_reg = nn.Conv2d(widths[-1], self.delta_channels, 3, padding=1)
        initialize(self, init_cfg)

    def forward(self, feature: Annotated[Pyramid, Usually("FPN"), "B in_channels H W"]) -> AnchorOutputs:
        """Both subnets on every level."""
        scores, deltas = [], []
        for level in feature:
            x = y = level
            for conv in self.cls_convs:
                x = conv(x)
            for conv in self.reg_convs:
                y = conv(y)
            scores.append(self.retina_cls(x))
            deltas.append(self.retina_reg(y))
        return AnchorOutputs(tuple(scores), tuple(deltas))


def _one_number(channels: int | tuple[int, ...]) -> int:
    numbers = {channels} if isinstance(channels, int) else set(channels)
    if len(numbers) > 1:
        raise ValueError(
            f"found in_channels {channels}, the same layers run on every level: a neck such as FPN makes them equal"
        )
    return numbers.pop()
