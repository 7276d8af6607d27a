"""Residual networks with another stem: for small images, of three convolutions, behind edge filters."""

from typing import Annotated, Any, ClassVar

from torch import nn

from components.backbones.resnet import Depth, ResNet
from components.layers.sobel import Sobel
from composer.ports import Image, Pyramid

__all__ = ["ResNetSobel", "ResNetV1c", "ResNetV1d", "ResNet_CIFAR"]


class ResNet_CIFAR(ResNet):
    """ResNet for small images: its stem, one 3x3 convolution, keeps their size (arXiv:1512.03385, section 4.2).

    Keywords: cifar, cifar10, cifar100, resnet20, resnet18 cifar, small images, residual network, backbone.

    Args:
        stem_channels: Channels after the stem.
        deep_stem: Has to stay off: this stem is the small one.

    Raises:
        ValueError: ``deep_stem`` is on, parameters contradict each other, or one of the ``_cfg`` names something
            unknown.
    """

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        if self.deep_stem:
            raise ValueError(
                "found deep_stem True, the stem of ResNet_CIFAR is a single convolution: leave deep_stem out"
            )
        self._make_plain_stem(in_channels, stem_channels, kernel_size=3, stride=1)
        self.maxpool = nn.Identity()


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


class ResNetSobel(ResNet):
    """ResNet behind Sobel's filters, which take the colours out of an image (DeepCluster, arXiv:1807.05520).

    Keywords: deepcluster resnet, sobel, gray resnet.

    Raises:
        ValueError: As ResNet.
    """

    def __init__(self, depth: Depth, **kwargs: Any) -> None:
        super().__init__(depth, in_channels=2, **kwargs)
        self.sobel_layer = Sobel()

    def forward(self, image: Annotated[Image, "B 3 H W"]) -> Annotated[Pyramid, "B out_channels H W"]:
        """Edges, then the stem and the stages."""
        return super().forward(self.sobel_layer(image))
