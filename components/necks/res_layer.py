"""A stage of a residual network on the features of regions of interest."""

from typing import Annotated, Any, Literal, Self

from annotated_types import Interval
from torch import nn

from components.backbones.residual_block import BlockOptions, residual_stage
from components.backbones.resnet import ARCHITECTURES, BATCH_NORM
from components.shared.bounds import Count
from components.shared.conv_module import KAIMING
from components.shared.initialization import InitCfg, initialize
from components.shared.norm import hold_statistics
from composer.ports import FeatureMap

__all__ = ["ResLayer"]

_BASE_CHANNELS = 64


class ResLayer(nn.Module):
    """One stage of a ResNet: the layers that a detector on its fourth stage (C4) applies to each region.

    Faster R-CNN with ResNet (arXiv:1512.03385, appendix A): the backbone ends with conv4, the head begins with conv5.

    Keywords: resnet stage, res5, conv5, c4, shared head, residual stage, layer4.

    Args:
        depth: Layers of the whole ResNet.
        stage: Which stage it is, from 0.
        stride: Step of its first block.
        dilation: Dilation of its blocks.
        style: Which convolution of a bottleneck takes the step: the 3x3 (``pytorch``) or the first 1x1 (``caffe``).
        norm_cfg: The normalisations: ``type`` BN, SyncBN or GN (with ``num_groups``), ``requires_grad``, ``eps``,
            ``momentum``.
        norm_eval: Whether batch normalisations keep their statistics in training too.
        with_cp: Whether blocks are computed again in the backward pass, which saves memory.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: One of the ``_cfg`` names something unknown.
    """

    def __init__(
        self,
        depth: Literal[18, 34, 50, 101, 152],
        stage: Annotated[int, Interval(ge=1, le=3)] = 3,
        stride: Count = 2,
        dilation: Count = 1,
        style: Literal["pytorch", "caffe"] = "pytorch",
        norm_cfg: dict[str, Any] = BATCH_NORM,
        norm_eval: bool = True,
        with_cp: bool = False,
        init_cfg: InitCfg = KAIMING,
    ) -> None:
        super().__init__()
        block, counts, expansion = ARCHITECTURES[depth]
        self.in_channels = _BASE_CHANNELS * expansion * 2 ** (stage - 1)
        self.out_channels = 2 * self.in_channels
        self.norm_eval = norm_eval
        options = BlockOptions(expansion, dilation, style, with_cp, None, norm_cfg)
        rates = [0.0] * counts[stage]
        layers = residual_stage(block, self.in_channels, self.out_channels, stride, False, options, rates)
        self._name = f"layer{stage + 1}"
        self.add_module(self._name, layers)
        initialize(self, init_cfg)
        self.train(self.training)

    def forward(
        self, feature: Annotated[FeatureMap, "R in_channels H W"]
    ) -> Annotated[FeatureMap, "R out_channels H2 W2"]:
        """The blocks of the stage."""
        layers: nn.Module = getattr(self, self._name)
        return layers(feature)

    def train(self, mode: bool = True) -> Self:
        """Switch to training, but for the statistics that ``norm_eval`` keeps."""
        super().train(mode)
        if self.norm_eval:
            hold_statistics(self)
        return self
