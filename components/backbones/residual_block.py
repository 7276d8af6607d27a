"""The blocks that ResNets are stacked from."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.shared.conv_module import build_conv
from components.shared.norm import build_norm, norm_name
from components.shared.transformer import DropPath

__all__: list[str] = []


@dataclass(frozen=True)
class BlockOptions:
    """What the blocks of one stage have in common.

    Args:
        expansion: How many times more channels a bottleneck's output has than its 3x3 convolution.
        dilation: Dilation of the 3x3 convolution (of a basic block: the first).
        style: Which convolution of a bottleneck takes the step: the 3x3 (``pytorch``) or the first 1x1 (``caffe``).
        with_cp: Whether to compute a block again in the backward pass instead of keeping what it held. Running
            statistics then take in each batch twice, as in OpenMMLab.
        conv_cfg: The convolutions.
        norm_cfg: The normalisations.
    """

    expansion: int
    dilation: int
    style: Literal["pytorch", "caffe"]
    with_cp: bool
    conv_cfg: dict[str, Any] | None
    norm_cfg: dict[str, Any]


class ResidualBlock(nn.Module):
    """relu(F(x) + shortcut(x)), equation 2 of arXiv:1512.03385; the classes below say what F is.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output; of a bottleneck a multiple of the expansion.
        stride: Step of the block.
        options: What the blocks of the stage have in common.
        downsample: The shortcut; None is the identity.
        drop_path_rate: How often a sample skips F in training, from 0 to below 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        options: BlockOptions,
        downsample: nn.Module | None,
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        self.options = options
        self._norm_name = norm_name(options.norm_cfg)
        self.add_layers(in_channels, out_channels, stride, options)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.drop_path = DropPath(drop_path_rate) if drop_path_rate > 0 else nn.Identity()

    @abstractmethod
    def add_layers(self, in_channels: int, out_channels: int, stride: int, options: BlockOptions) -> None:
        """Build the layers of F."""

    @abstractmethod
    def residual(self, x: Tensor) -> Tensor:
        """F(x)."""

    @property
    @abstractmethod
    def last_norm(self) -> nn.Module:
        """The normalisation that ends F: while its weight is 0, F is 0."""

    def add_norm(self, index: int, channels: int) -> None:
        """Register a normalisation under OpenMMLab's name for it, such as ``bn1``."""
        self.add_module(f"{self._norm_name}{index}", build_norm(self.options.norm_cfg, channels))

    def norm(self, index: int) -> nn.Module:
        """The normalisation of this index, from 1."""
        return getattr(self, f"{self._norm_name}{index}")

    def add_shortcut(self, x: Tensor) -> Tensor:
        """F(x) + shortcut(x)."""
        identity = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.drop_path(self.residual(x))
        out += identity  # in place: nothing needs F(x) alone for its gradient
        return out

    def forward(self, x: Tensor) -> Tensor:
        """[B, in_channels, H, W] to [B, out_channels, H', W']."""
        if self.options.with_cp and x.requires_grad:
            return self.relu(checkpoint(self.add_shortcut, x, use_reentrant=False))
        return self.relu(self.add_shortcut(x))


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions (arXiv:1512.03385, figure 5 left)."""

    def add_layers(self, in_channels: int, out_channels: int, stride: int, options: BlockOptions) -> None:
        """Build them; the first takes the step and the dilation."""
        far = options.dilation
        self.conv1 = build_conv(
            options.conv_cfg, in_channels, out_channels, 3, stride=stride, padding=far, dilation=far, bias=False
        )
        self.add_norm(1, out_channels)
        self.conv2 = build_conv(options.conv_cfg, out_channels, out_channels, 3, padding=1, bias=False)
        self.add_norm(2, out_channels)

    @property
    def last_norm(self) -> nn.Module:
        """The second normalisation."""
        return self.norm(2)

    def residual(self, x: Tensor) -> Tensor:
        """norm2(conv2(relu(norm1(conv1(x)))))."""
        x = self.relu(self.norm(1)(self.conv1(x)))
        return self.norm(2)(self.conv2(x))


class Bottleneck(ResidualBlock):
    """1x1 to fewer channels, 3x3, 1x1 back (arXiv:1512.03385, figure 5 right)."""

    def add_layers(self, in_channels: int, out_channels: int, stride: int, options: BlockOptions) -> None:
        """Build them; the 3x3 takes the dilation, and ``style`` says which takes the step."""
        middle, far = out_channels // options.expansion, options.dilation
        first, second = (1, stride) if options.style == "pytorch" else (stride, 1)
        self.conv1 = build_conv(options.conv_cfg, in_channels, middle, 1, stride=first, bias=False)
        self.add_norm(1, middle)
        self.conv2 = build_conv(
            options.conv_cfg, middle, middle, 3, stride=second, padding=far, dilation=far, bias=False
        )
        self.add_norm(2, middle)
        self.conv3 = build_conv(options.conv_cfg, middle, out_channels, 1, bias=False)
        self.add_norm(3, out_channels)

    @property
    def last_norm(self) -> nn.Module:
        """The third normalisation."""
        return self.norm(3)

    def residual(self, x: Tensor) -> Tensor:
        """norm3(conv3(relu(norm2(conv2(relu(norm1(conv1(x))))))))."""
        x = self.relu(self.norm(1)(self.conv1(x)))
        x = self.relu(self.norm(2)(self.conv2(x)))
        return self.norm(3)(self.conv3(x))


def residual_stage(
    block: type[BasicBlock] | type[Bottleneck],
    in_channels: int,
    out_channels: int,
    stride: int,
    avg_down: bool,
    options: BlockOptions,
    drop_path_rates: Sequence[float],
) -> nn.Sequential:
    """Blocks of one resolution; the first takes the step and changes the channels.

    Args:
        block: The class of the blocks.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Step of the first block.
        avg_down: Whether its shortcut steps by average pooling, not by the convolution (arXiv:1812.01187, ResNet-D).
        options: What the blocks have in common.
        drop_path_rates: The rate of each block; there are as many blocks.
    """
    downsample = None
    if stride != 1 or in_channels != out_channels:
        pools = avg_down and stride != 1
        pooling = [nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)] if pools else []
        step = 1 if pools else stride
        conv = build_conv(options.conv_cfg, in_channels, out_channels, 1, stride=step, bias=False)
        downsample = nn.Sequential(*pooling, conv, build_norm(options.norm_cfg, out_channels))
    first, *rest = drop_path_rates
    blocks = [block(in_channels, out_channels, stride, options, downsample, first)]
    blocks += [block(out_channels, out_channels, 1, options, None, rate) for rate in rest]
    return nn.Sequential(*blocks)
