"""Residual networks whose stem is three 3x3 convolutions."""

from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Interval, MinLen

from components.backbones.resnet import BATCH_NORM, ResNet
from components.conv_module import KAIMING
from components.initialization import InitCfg

__all__ = ["ResNetV1c", "ResNetV1d"]


class ResNetV1c(ResNet):
    """ResNet-C: three 3x3 convolutions in place of the stem's 7x7 (arXiv:1812.01187, section 4.1).

    Keywords: resnet50c, resnet c, deep stem, bag of tricks.

    Args:
        depth: Layers that have weights.
        in_channels: Channels of the image.
        stem_channels: Channels after the stem, an even number.
        base_channels: Channels of the 3x3 convolutions in the first stage; every later stage doubles them.
        expansion: How many times more channels a bottleneck's output has than its 3x3 convolution; None is 4, and 1 for
            the depths 18 and 34, which have basic blocks and no other expansion.
        num_stages: Stages, 1 to 4.
        strides: Step of the first block of each stage.
        dilations: Dilation of each stage.
        out_indices: Stages that are given out, ascending, counted from 0.
        style: Which convolution of a bottleneck takes the step: the 3x3 (``pytorch``) or the first 1x1 (``caffe``).
        frozen_stages: The stem and this many stages keep weights and statistics; -1 freezes nothing, 0 the stem.
        conv_cfg: The convolutions, such as ``{type: Conv2d, padding_mode: reflect}``; None is ``nn.Conv2d``.
        norm_cfg: The normalisations: ``type`` BN, SyncBN or GN (with ``num_groups``), ``requires_grad``, ``eps``,
            ``momentum``.
        norm_eval: Whether batch normalisations keep their statistics in training too.
        with_cp: Whether blocks are computed again in the backward pass, which saves memory. Running statistics then
            take in each batch twice, as in OpenMMLab.
        zero_init_residual: Whether blocks start as the identity: the weight of their last normalisation is 0.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.
        drop_path_rate: Stochastic depth (arXiv:1603.09382): the last block's rate, from 0 to below 1; earlier blocks
            have less.

    Raises:
        ValueError: Parameters contradict each other, or one of the ``_cfg`` names something unknown.
    """

    _avg_down: ClassVar[bool] = False

    def __init__(
        self,
        depth: Literal[18, 34, 50, 101, 152],
        in_channels: Annotated[int, Ge(1)] = 3,
        stem_channels: Annotated[int, Ge(1)] = 64,
        base_channels: Annotated[int, Ge(1)] = 64,
        expansion: Annotated[int, Ge(1)] | None = None,
        num_stages: Annotated[int, Interval(ge=1, le=4)] = 4,
        strides: tuple[Annotated[int, Ge(1)], ...] = (1, 2, 2, 2),
        dilations: tuple[Annotated[int, Ge(1)], ...] = (1, 1, 1, 1),
        out_indices: Annotated[tuple[Annotated[int, Interval(ge=0, le=3)], ...], MinLen(1)] = (3,),
        style: Literal["pytorch", "caffe"] = "pytorch",
        frozen_stages: Annotated[int, Interval(ge=-1, le=4)] = -1,
        conv_cfg: dict[str, Any] | None = None,
        norm_cfg: dict[str, Any] = BATCH_NORM,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        init_cfg: InitCfg = KAIMING,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__(
            depth=depth,
            in_channels=in_channels,
            stem_channels=stem_channels,
            base_channels=base_channels,
            expansion=expansion,
            num_stages=num_stages,
            strides=strides,
            dilations=dilations,
            out_indices=out_indices,
            style=style,
            deep_stem=True,
            avg_down=self._avg_down,
            frozen_stages=frozen_stages,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
            norm_eval=norm_eval,
            with_cp=with_cp,
            zero_init_residual=zero_init_residual,
            init_cfg=init_cfg,
            drop_path_rate=drop_path_rate,
        )


class ResNetV1d(ResNetV1c):
    """ResNet-D: ResNet-C whose shortcuts step by average pooling, not by convolution (arXiv:1812.01187, section 4.1).

    Keywords: resnet50d, resnet d, average downsampling, avg down, bag of tricks.

    Args:
        depth: Layers that have weights.
        in_channels: Channels of the image.
        stem_channels: Channels after the stem, an even number.
        base_channels: Channels of the 3x3 convolutions in the first stage; every later stage doubles them.
        expansion: How many times more channels a bottleneck's output has than its 3x3 convolution; None is 4, and 1 for
            the depths 18 and 34, which have basic blocks and no other expansion.
        num_stages: Stages, 1 to 4.
        strides: Step of the first block of each stage.
        dilations: Dilation of each stage.
        out_indices: Stages that are given out, ascending, counted from 0.
        style: Which convolution of a bottleneck takes the step: the 3x3 (``pytorch``) or the first 1x1 (``caffe``).
        frozen_stages: The stem and this many stages keep weights and statistics; -1 freezes nothing, 0 the stem.
        conv_cfg: The convolutions, such as ``{type: Conv2d, padding_mode: reflect}``; None is ``nn.Conv2d``.
        norm_cfg: The normalisations: ``type`` BN, SyncBN or GN (with ``num_groups``), ``requires_grad``, ``eps``,
            ``momentum``.
        norm_eval: Whether batch normalisations keep their statistics in training too.
        with_cp: Whether blocks are computed again in the backward pass, which saves memory. Running statistics then
            take in each batch twice, as in OpenMMLab.
        zero_init_residual: Whether blocks start as the identity: the weight of their last normalisation is 0.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.
        drop_path_rate: Stochastic depth (arXiv:1603.09382): the last block's rate, from 0 to below 1; earlier blocks
            have less.

    Raises:
        ValueError: Parameters contradict each other, or one of the ``_cfg`` names something unknown.
    """

    _avg_down: ClassVar[bool] = True
