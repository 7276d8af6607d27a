"""Heads that say of a region of interest what is in it and where its box is."""

import itertools
from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Ge
from torch import Tensor, nn

from components.backbones.residual_block import BlockOptions, Bottleneck
from components.shared.bounds import Count, Size
from components.shared.conv_module import ConvModule
from components.shared.initialization import InitCfg, initialize
from components.shared.options import pair
from composer.ports import AnyTensor, FeatureMap, InputError, LayerCount, Logits, Usually

__all__ = ["BBoxHead", "DoubleConvFCBBoxHead", "Shared2FCBBoxHead", "Shared4Conv1FCBBoxHead"]

RegionMaps = Annotated[FeatureMap, Usually("SingleRoIExtractor"), "R in_channels H W"]

PREDICTORS: tuple[dict[str, Any], ...] = (
    {"type": "Normal", "std": 0.01, "override": {"name": "fc_cls"}},
    {"type": "Normal", "std": 0.001, "override": {"name": "fc_reg"}},
    {"type": "Xavier", "distribution": "uniform", "override": {"name": "shared_fcs"}},
)
DOUBLE: tuple[dict[str, Any], ...] = (
    *PREDICTORS[:2],
    {"type": "Xavier", "distribution": "uniform", "override": {"name": "fc_branch"}},
)
BATCH_NORM: dict[str, Any] = {"type": "BN"}


class BoxOutputs(NamedTuple):
    """What is said about each region."""

    cls_score: Annotated[Logits, "R score_channels"]
    bbox_pred: Annotated[AnyTensor, "R delta_channels"]


def _area(sides: int | tuple[int, int]) -> int:
    return sides * sides if isinstance(sides, int) else sides[0] * sides[1]


class BBoxHead(nn.Module):
    """One linear layer for the class and one for the box (Fast R-CNN, arXiv:1504.08083, section 2.1).

    Keywords: bbox head, box head, roi head, fast r-cnn, c4 head, dc5 head, box predictor, detection head.

    Args:
        in_channels: Channels of a region's features.
        with_avg_pool: Whether the features are averaged over their rows and columns first.
        roi_feat_size: Their rows and columns: one number or two.
        num_classes: Classes; ``cls_score`` has one more, the last, for background.
        reg_class_agnostic: Whether there is one box for all classes; else each class has its own.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: ``init_cfg`` names something unknown. In ``forward``: what comes in has another size.
    """

    def __init__(
        self,
        in_channels: Count = 256,
        with_avg_pool: bool = False,
        roi_feat_size: Size = 7,
        num_classes: Count = 80,
        reg_class_agnostic: bool = False,
        init_cfg: InitCfg = PREDICTORS[:2],
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.reg_class_agnostic = reg_class_agnostic
        self.roi_feat_area = _area(roi_feat_size)
        self.with_avg_pool = with_avg_pool
        self.sides = pair(roi_feat_size)
        self.score_channels = num_classes + 1
        self.delta_channels = 4 if reg_class_agnostic else 4 * num_classes
        length = in_channels if with_avg_pool else in_channels * _area(roi_feat_size)
        self.fc_cls = nn.Linear(length, self.score_channels)
        self.fc_reg = nn.Linear(length, self.delta_channels)
        initialize(self, init_cfg)

    def forward(self, feature: RegionMaps) -> BoxOutputs:
        """W x + b for each answer."""
        if tuple(feature.shape[2:]) != self.sides:
            found, expected = " x ".join(map(str, feature.shape[2:])), " x ".join(map(str, self.sides))
            raise InputError("feature", f"found regions of {found}, roi_feat_size says {expected}")
        x = feature.mean(dim=(2, 3)) if self.with_avg_pool else feature.flatten(1)
        return BoxOutputs(self.fc_cls(x), self.fc_reg(x))


class SharedBBoxHead(nn.Module):
    """Convolutions and linear layers that both answers share, then one linear layer for each.

    Args:
        convs: How many convolutions.
        linears: How many linear layers, which are hidden.
        in_channels: Channels of a region's features.
        roi_feat_size: Their rows and columns: one number or two.
        num_classes: Classes; ``cls_score`` has one more, the last, for background.
        conv_out_channels: Channels of the convolutions.
        fc_out_channels: Length of a hidden layer.
        reg_class_agnostic: Whether there is one box for all classes; else each class has its own.
        conv_cfg: The convolutions; None is ``nn.Conv2d``.
        norm_cfg: Their normalisations; None is none.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.
    """

    def __init__(
        self,
        convs: int,
        linears: int,
        in_channels: Count,
        roi_feat_size: Size = 7,
        num_classes: Count = 80,
        conv_out_channels: Count = 256,
        fc_out_channels: Count = 1024,
        reg_class_agnostic: bool = False,
        conv_cfg: dict[str, Any] | None = None,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: InitCfg = PREDICTORS,
    ) -> None:
        super().__init__()
        self.score_channels = num_classes + 1
        self.delta_channels = 4 if reg_class_agnostic else 4 * num_classes
        widths = [in_channels] + [conv_out_channels] * convs
        cfgs: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg}
        pairs = itertools.pairwise(widths)
        self.shared_convs = nn.ModuleList(ConvModule(one, other, 3, padding=1, **cfgs) for one, other in pairs)
        lengths = [widths[-1] * _area(roi_feat_size)] + [fc_out_channels] * linears
        pairs = itertools.pairwise(lengths)
        self.shared_fcs = nn.ModuleList(nn.Linear(one, other) for one, other in pairs)
        self.fc_cls = nn.Linear(lengths[-1], self.score_channels)
        self.fc_reg = nn.Linear(lengths[-1], self.delta_channels)
        initialize(self, init_cfg)

    def predict(self, x: Tensor) -> BoxOutputs:
        """Through the shared layers to both answers."""
        for conv in self.shared_convs:
            x = conv(x)
        x = x.flatten(1)
        for linear in self.shared_fcs:
            x = linear(x).relu()
        return BoxOutputs(self.fc_cls(x), self.fc_reg(x))


class Shared2FCBBoxHead(SharedBBoxHead):
    """Two linear layers, then class and box (FPN, arXiv:1612.03144, section 4.2).

    Keywords: bbox head, box head, roi head, fast r-cnn, faster r-cnn, two mlp head, fastrcnnpredictor, box
    predictor, detection head.

    Raises:
        ValueError: ``init_cfg`` names something unknown.
    """

    def __init__(self, in_channels: Count, **kwargs: Any) -> None:
        super().__init__(0, 2, in_channels, conv_out_channels=1, conv_cfg=None, norm_cfg=None, **kwargs)

    def forward(self, feature: RegionMaps) -> BoxOutputs:
        """relu(linear(relu(linear(x)))), then one linear layer for each answer."""
        return self.predict(feature)


class Shared4Conv1FCBBoxHead(SharedBBoxHead):
    """Four convolutions and a linear layer, then class and box (Group Normalization, arXiv:1803.08494, section 4.2).

    Keywords: bbox head, box head, roi head, conv box head, detection head.

    Raises:
        ValueError: One of the ``_cfg`` names something unknown.
    """

    def __init__(self, in_channels: Count, **kwargs: Any) -> None:
        super().__init__(4, 1, in_channels, **kwargs)

    def forward(self, feature: RegionMaps) -> BoxOutputs:
        """Four convolutions, relu(linear(x)), then one linear layer for each answer."""
        return self.predict(feature)


class WideningBlock(nn.Module):
    """relu(conv1x1(conv3x3(x)) + conv1x1(x)), each convolution with its normalisation (arXiv:1904.06493, figure 3a)."""

    def __init__(self, in_channels: int, out_channels: int, **cfgs: Any) -> None:
        super().__init__()
        self.conv1 = ConvModule(in_channels, in_channels, 3, padding=1, **cfgs)
        self.conv2 = ConvModule(in_channels, out_channels, 1, act_cfg=None, **cfgs)
        self.conv_identity = ConvModule(in_channels, out_channels, 1, act_cfg=None, **cfgs)

    def forward(self, x: Tensor) -> Tensor:
        """[R, in_channels, H, W] to [R, out_channels, H, W]."""
        return (self.conv2(self.conv1(x)) + self.conv_identity(x)).relu()


class DoubleConvFCBBoxHead(nn.Module):
    """Linear layers say what is in a region, convolutions where its box is (Double-Head R-CNN, arXiv:1904.06493).

    Keywords: double head r-cnn, double-head, bbox head, box head, fast r-cnn, roi head.

    Args:
        in_channels: Channels of a region's features.
        num_convs: Bottleneck blocks of the convolutional branch, after one that widens.
        num_fcs: Linear layers of the other branch.
        conv_out_channels: Channels of the convolutional branch, a multiple of 4.
        fc_out_channels: Length of the linear layers.
        roi_feat_size: Rows and columns of a region's features: one number or two.
        num_classes: Classes; ``cls_score`` has one more, the last, for background.
        reg_class_agnostic: Whether there is one box for all classes; else each class has its own.
        conv_cfg: The convolutions; None is ``nn.Conv2d``.
        norm_cfg: The normalisations.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: ``conv_out_channels`` is no multiple of 4, or one of the ``_cfg`` names something unknown.
    """

    def __init__(
        self,
        in_channels: Count,
        num_convs: Annotated[int, Ge(1), LayerCount()],
        num_fcs: Annotated[int, Ge(1), LayerCount()],
        conv_out_channels: Count = 1024,
        fc_out_channels: Count = 1024,
        roi_feat_size: Size = 7,
        num_classes: Count = 80,
        reg_class_agnostic: bool = False,
        conv_cfg: dict[str, Any] | None = None,
        norm_cfg: dict[str, Any] = BATCH_NORM,
        init_cfg: InitCfg = DOUBLE,
    ) -> None:
        super().__init__()
        if conv_out_channels % 4:
            raise ValueError(
                f"found conv_out_channels {conv_out_channels}, a bottleneck has a quarter of them inside: "
                f"set {conv_out_channels + 4 - conv_out_channels % 4}"
            )
        self.score_channels = num_classes + 1
        self.delta_channels = 4 if reg_class_agnostic else 4 * num_classes
        self.res_block = WideningBlock(in_channels, conv_out_channels, conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        options = BlockOptions(4, 1, "pytorch", False, conv_cfg, norm_cfg)
        blocks = (Bottleneck(conv_out_channels, conv_out_channels, 1, options, None, 0.0) for _ in range(num_convs))
        self.conv_branch = nn.ModuleList(blocks)
        lengths = [in_channels * _area(roi_feat_size)] + [fc_out_channels] * num_fcs
        pairs = itertools.pairwise(lengths)
        self.fc_branch = nn.ModuleList(nn.Linear(one, other) for one, other in pairs)
        self.fc_cls = nn.Linear(fc_out_channels, self.score_channels)
        self.fc_reg = nn.Linear(conv_out_channels, self.delta_channels)
        initialize(self, init_cfg)

    def forward(self, x_cls: RegionMaps, x_reg: RegionMaps) -> BoxOutputs:
        """The class from ``x_cls`` by linear layers, the box from ``x_reg`` by convolutions and their mean."""
        if torch.compiler.is_compiling():  # a batch normalisation is compiled for some pixels or for none
            torch._check(x_reg.shape[0] > 0)  # type: ignore[no-untyped-call]
        x = x_cls.flatten(1)
        for linear in self.fc_branch:
            x = linear(x).relu()
        y = self.res_block(x_reg)
        for block in self.conv_branch:
            y = block(y)
        return BoxOutputs(self.fc_cls(x), self.fc_reg(y.mean(dim=(2, 3))))
