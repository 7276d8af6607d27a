"""A convolution with its normalisation and activation, and OpenMMLab's ``conv_cfg``."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from components.shared.activation import RELU, build_activation
from components.shared.norm import build_norm, norm_name

__all__ = ["KAIMING", "ConvModule", "build_conv"]

KAIMING: tuple[dict[str, Any], ...] = (
    {"type": "Kaiming", "layer": ["Conv2d"]},
    {"type": "Constant", "val": 1, "layer": ["_BatchNorm", "GroupNorm"]},
)
"""How convolutional backbones start: convolutions normal by fan-out (arXiv:1502.01852), normalisations the identity."""


def build_conv(conv_cfg: Mapping[str, Any] | None, *arguments: Any, **options: Any) -> nn.Conv2d:
    """The convolution that ``conv_cfg`` describes.

    Args:
        conv_cfg: ``type`` (Conv or Conv2d) and options of ``nn.Conv2d`` such as ``padding_mode``; None is a plain one.
        arguments: Arguments of ``nn.Conv2d``.
        options: Arguments of ``nn.Conv2d``; those in ``conv_cfg`` go first.

    Raises:
        ValueError: The type is another one, or an option is not the layer's.
    """
    given = dict(conv_cfg or {"type": "Conv2d"})
    kind = given.pop("type", None)
    if kind not in ("Conv", "Conv2d"):
        raise ValueError(f"conv_cfg: found type {kind!r}, expected Conv2d (or leave conv_cfg out)")
    try:
        return nn.Conv2d(*arguments, **{**options, **given})
    except TypeError as error:
        raise ValueError(f"conv_cfg: {conv_cfg} has an option that Conv2d does not take: {error}") from error


class ConvModule(nn.Module):
    """Convolution, normalisation, activation (the part of this name in OpenMMLab's mmcv).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Side of the kernel, in pixels.
        stride: Step of the kernel, in pixels.
        padding: Zeros added on every side, in pixels.
        dilation: Distance between the points of the kernel, in pixels.
        groups: Groups of channels that do not see each other.
        conv_cfg: The convolution; None is ``nn.Conv2d``.
        norm_cfg: The normalisation; None is none, and then the convolution has a bias.
        act_cfg: The activation; None is none.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        *,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = RELU,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.norm_name = None if norm_cfg is None else norm_name(norm_cfg)
        self.conv = build_conv(
            conv_cfg,
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=norm_cfg is None,
        )
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)
        if norm_cfg is not None:
            self.add_module(norm_name(norm_cfg), build_norm(norm_cfg, out_channels))
        self.activate = None if act_cfg is None else build_activation(act_cfg, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """[B, in_channels, H, W] to [B, out_channels, H', W']."""
        x = self.conv(x)
        if self.norm_name is not None:
            x = getattr(self, self.norm_name)(x)
        return x if self.activate is None else self.activate(x)
