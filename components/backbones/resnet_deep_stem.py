"""Residual networks whose stem is three 3x3 convolutions."""

from typing import Any, ClassVar

from components.backbones.resnet import Depth, ResNet

__all__ = ["ResNetV1c", "ResNetV1d"]


class ResNetV1c(ResNet):
    """ResNet-C: three 3x3 convolutions in place of the stem's 7x7 (arXiv:1812.01187, section 4.1).

    Keywords: resnet50c, resnet c, deep stem, bag of tricks.

    Args:
        stem_channels: Channels after the stem, an even number.

    Raises:
        ValueError: As ResNet.
    """

    _avg_down: ClassVar[bool] = False

    def __init__(self, depth: Depth, **kwargs: Any) -> None:
        super().__init__(depth, deep_stem=True, avg_down=self._avg_down, **kwargs)


class ResNetV1d(ResNetV1c):
    """ResNet-D: ResNet-C whose shortcuts step by average pooling, not by convolution (arXiv:1812.01187, section 4.1).

    Keywords: resnet50d, resnet d, average downsampling, avg down, bag of tricks.

    Raises:
        ValueError: As ResNet.
    """

    _avg_down: ClassVar[bool] = True
