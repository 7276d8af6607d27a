"""MobileNetV2."""

from typing import Annotated, Any, Self

from annotated_types import Gt, Interval, MinLen
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.shared.bounds import Count
from components.shared.conv_module import KAIMING, ConvModule
from components.shared.initialization import InitCfg, initialize
from components.shared.norm import hold_statistics
from composer.ports import FeatureMap, Image, Pyramid, Usually

__all__ = ["MobileNetV2"]

BATCH_NORM: dict[str, Any] = {"type": "BN"}
RELU6: dict[str, Any] = {"type": "ReLU6"}

# Expansion, channels, blocks, step of the first block: arXiv:1801.04381, table 2.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_LAST_CHANNELS = 1280


class MobileNetV2(nn.Module):
    """Inverted residuals with linear bottlenecks (arXiv:1801.04381, table 2); divides the size by 32.

    Stages after the last one in ``out_indices`` are built, so that checkpoints load, but not run.

    Keywords: mobilenet, mobilenetv2_100, inverted residual, depthwise separable, bottleneck, lightweight, backbone,
    encoder.

    Args:
        widen_factor: Multiplies the channels of every layer, which are then rounded to multiples of 8; below 1 the last
            layer keeps its 1280.
        out_indices: Stages that are given out, ascending: 0 to 6 are the stages of blocks, 7 the last 1x1 convolution.
        frozen_stages: The first convolution keeps its weights, and this many stages weights and statistics; -1 freezes
            nothing. (The first convolution's statistics go on, as in OpenMMLab.)
        conv_cfg: The convolutions, such as ``{type: Conv2d, padding_mode: reflect}``; None is ``nn.Conv2d``.
        norm_cfg: The normalisations: ``type`` BN, SyncBN or GN (with ``num_groups``), ``requires_grad``, ``eps``,
            ``momentum``.
        act_cfg: The activations, such as ``{type: ReLU6}``.
        norm_eval: Whether batch normalisations keep their statistics in training too.
        with_cp: Whether blocks are computed again in the backward pass, which saves memory. Running statistics then
            take in each batch twice, as in OpenMMLab.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.
        in_channels: Channels of the image (OpenMMLab has 3 only).

    Raises:
        ValueError: ``out_indices`` does not ascend, or one of the ``_cfg`` names something unknown.
    """

    def __init__(
        self,
        widen_factor: Annotated[float, Gt(0)] = 1.0,
        out_indices: Annotated[tuple[Annotated[int, Interval(ge=0, le=7)], ...], MinLen(1)] = (7,),
        frozen_stages: Annotated[int, Interval(ge=-1, le=7)] = -1,
        conv_cfg: dict[str, Any] | None = None,
        norm_cfg: dict[str, Any] = BATCH_NORM,
        act_cfg: dict[str, Any] = RELU6,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: InitCfg = KAIMING,
        in_channels: Count = 3,
    ) -> None:
        super().__init__()
        if list(out_indices) != sorted(set(out_indices)):
            raise ValueError(f"found out_indices {out_indices}, expected ascending indices from 0 to 7")
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval

        cfgs: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, "act_cfg": act_cfg}
        before = _scaled(32, widen_factor)
        self.conv1 = ConvModule(in_channels, before, 3, stride=2, padding=1, **cfgs)
        channels = [_scaled(after, widen_factor) for _, after, _, _ in _STAGES]
        for index, (expansion, _, count, stride) in enumerate(_STAGES):
            after = channels[index]
            blocks = [InvertedResidual(before, after, stride, expansion, with_cp, **cfgs)]
            blocks += [InvertedResidual(after, after, 1, expansion, with_cp, **cfgs) for _ in range(count - 1)]
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
            before = after
        channels.append(int(_LAST_CHANNELS * max(widen_factor, 1.0)))
        self.conv2 = ConvModule(before, channels[-1], 1, **cfgs)
        self.out_channels = tuple(channels[index] for index in out_indices)

        initialize(self, init_cfg)
        for part in self._frozen():
            part.requires_grad_(False)
        self.train(self.training)

    def forward(
        self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]
    ) -> Annotated[Pyramid, "B out_channels H W"]:
        """Run the layers up to the last that is given out."""
        x = self.conv1(image)
        levels = []
        for index in range(self.out_indices[-1] + 1):
            x = self._stage(index)(x)
            if index in self.out_indices:
                levels.append(x)
        return tuple(levels)

    def train(self, mode: bool = True) -> Self:
        """Switch to training, but for the statistics that ``frozen_stages`` and ``norm_eval`` keep."""
        super().train(mode)
        for part in self._frozen()[1:]:
            part.eval()
        if self.norm_eval:
            hold_statistics(self)
        return self

    def _stage(self, index: int) -> nn.Module:
        return self.conv2 if index == len(_STAGES) else getattr(self, f"layer{index + 1}")

    def _frozen(self) -> list[nn.Module]:
        return [self.conv1, *map(self._stage, range(self.frozen_stages))] if self.frozen_stages >= 0 else []


class InvertedResidual(nn.Module):
    """1x1 to more channels, 3x3 within each, linear 1x1 to fewer (arXiv:1801.04381, section 3.3).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Step of the 3x3 convolution.
        expansion: How many times more channels the 3x3 convolution has than the input; 1 drops the first convolution.
        with_cp: Whether to compute the block again in the backward pass.
        conv_cfg: The convolutions.
        norm_cfg: The normalisations.
        act_cfg: The activations.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        expansion: int,
        with_cp: bool,
        conv_cfg: dict[str, Any] | None,
        norm_cfg: dict[str, Any],
        act_cfg: dict[str, Any],
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.keeps_shape = stride == 1 and in_channels == out_channels
        hidden = in_channels * expansion
        cfgs: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg}
        expand = [ConvModule(in_channels, hidden, 1, **cfgs, act_cfg=act_cfg)] if expansion != 1 else []
        self.conv = nn.Sequential(
            *expand,
            ConvModule(hidden, hidden, 3, stride=stride, padding=1, groups=hidden, **cfgs, act_cfg=act_cfg),
            ConvModule(hidden, out_channels, 1, **cfgs, act_cfg=None),
        )

    def add_shortcut(self, x: Tensor) -> Tensor:
        """The block: x + conv(x) where the shape is kept, else conv(x)."""
        return x + self.conv(x) if self.keeps_shape else self.conv(x)

    def forward(self, x: Tensor) -> Tensor:
        """[B, in_channels, H, W] to [B, out_channels, H', W']."""
        if self.with_cp and x.requires_grad:
            return checkpoint(self.add_shortcut, x, use_reentrant=False)
        return self.add_shortcut(x)


def _scaled(channels: int, factor: float) -> int:
    """The nearest multiple of 8, not over a tenth below the exact number."""
    exact = channels * factor
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded
