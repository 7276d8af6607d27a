"""The residual network for small images."""

from torch import nn

from components.backbones.resnet import ResNet

__all__ = ["ResNet_CIFAR"]


class ResNet_CIFAR(ResNet):
    """ResNet for small images: its stem, one 3x3 convolution, keeps their size (arXiv:1512.03385, section 4.2).

    Keywords: cifar, cifar10, cifar100, resnet20, resnet18 cifar, small images, residual network, backbone.

    Args:
        depth: Layers that have weights.
        in_channels: Channels of the image.
        stem_channels: Channels after the stem.
        base_channels: Channels of the 3x3 convolutions in the first stage; every later stage doubles them.
        expansion: How many times more channels a bottleneck's output has than its 3x3 convolution; None is 4, and 1 for
            the depths 18 and 34, which have basic blocks and no other expansion.
        num_stages: Stages, 1 to 4.
        strides: Step of the first block of each stage.
        dilations: Dilation of each stage.
        out_indices: Stages that are given out, ascending, counted from 0.
        style: Which convolution of a bottleneck takes the step: the 3x3 (``pytorch``) or the first 1x1 (``caffe``).
        deep_stem: Has to stay off: this stem is the small one.
        avg_down: Whether shortcuts step by average pooling, not by their convolution (arXiv:1812.01187, ResNet-D).
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
