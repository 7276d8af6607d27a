"""The residual network for small images."""

from torch import nn

from components.backbones.resnet import ResNet

__all__ = ["ResNet_CIFAR"]


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
