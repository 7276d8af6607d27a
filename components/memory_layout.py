"""The order of a feature map's numbers in memory."""

import torch
from torch import Tensor, nn

__all__ = ["FirstConv2d", "convolution_layout"]


def convolution_layout(x: Tensor) -> Tensor:
    """A map or a kernel as convolutions like to read it; its values and sizes stay.

    On a CPU that is channels last, which convolutions, normalisations and poolings hand on. A training step of
    ResNet-50 takes 0.9 of the time, one of MobileNetV2 0.8 (``python -m benchmarks.memory_layout``). Elsewhere all
    is left as it comes: ``model.to(memory_format=torch.channels_last)`` is for the caller to try.

    Args:
        x: [B, C, H, W].
    """
    return x.contiguous(memory_format=torch.channels_last) if x.device.type == "cpu" else x


class FirstConv2d(nn.Conv2d):
    """The convolution that a network begins with: what follows it gets a map in the layout of ``convolution_layout``.

    The kernel is turned and not the pictures, of which the backward pass would keep a copy.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return super()._conv_forward(input, convolution_layout(weight), bias)
