"""Residual networks."""

from typing import Annotated, Any, Literal, Self

from annotated_types import Interval, MinLen
from torch import Tensor, nn

from components.backbones.residual_block import BasicBlock, BlockOptions, Bottleneck, residual_stage
from components.shared.bounds import Count
from components.shared.conv_module import KAIMING, ConvModule, build_conv
from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm, hold_statistics, norm_name
from components.shared.transformer import drop_path_rates
from composer.ports import FeatureMap, Image, Pyramid, Usually

__all__ = ["ResNet"]

Depth = Literal[18, 34, 50, 101, 152]

BATCH_NORM: dict[str, Any] = {"type": "BN", "requires_grad": True}

# Blocks, how many in each stage, and their default expansion: arXiv:1512.03385, table 1.
ARCHITECTURES: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, ...], int]] = {
    18: (BasicBlock, (2, 2, 2, 2), 1),
    34: (BasicBlock, (3, 4, 6, 3), 1),
    50: (Bottleneck, (3, 4, 6, 3), 4),
    101: (Bottleneck, (3, 4, 23, 3), 4),
    152: (Bottleneck, (3, 8, 36, 3), 4),
}


class ResNet(nn.Module):
    """Residual network (arXiv:1512.03385): a stem that divides the size by 4, then stages of residual blocks.

    Stages after the last one in ``out_indices`` are built, so that checkpoints load, but not run.

    Keywords: resnet18, resnet34, resnet50, resnet101, resnet152, backbone, residual network, deep residual
    learning, convnet, cnn, encoder, feature extractor, residual block, bottleneck, pretrained.

    Args:
        depth: Layers that have weights.
        in_channels: Channels of the image.
        stem_channels: Channels after the stem; even where ``deep_stem`` is on.
        base_channels: Channels of the 3x3 convolutions in the first stage; every later stage doubles them.
        expansion: How many times more channels a bottleneck's output has than its 3x3 convolution; None is 4, and 1 for
            the depths 18 and 34, which have basic blocks and no other expansion.
        num_stages: Stages, 1 to 4.
        strides: Step of the first block of each stage.
        dilations: Dilation of each stage.
        out_indices: Stages that are given out, ascending, counted from 0.
        style: Which convolution of a bottleneck takes the step: the 3x3 (``pytorch``) or the first 1x1 (``caffe``).
        deep_stem: Whether three 3x3 convolutions replace the 7x7 of the stem (arXiv:1812.01187, ResNet-C).
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
        ValueError: Parameters contradict each other, or one of the ``_cfg`` names something unknown.
    """

    def __init__(
        self,
        depth: Depth,
        in_channels: Count = 3,
        stem_channels: Count = 64,
        base_channels: Count = 64,
        expansion: Count | None = None,
        num_stages: Annotated[int, Interval(ge=1, le=4)] = 4,
        strides: tuple[Count, ...] = (1, 2, 2, 2),
        dilations: tuple[Count, ...] = (1, 1, 1, 1),
        out_indices: Annotated[tuple[Annotated[int, Interval(ge=0, le=3)], ...], MinLen(1)] = (3,),
        style: Literal["pytorch", "caffe"] = "pytorch",
        deep_stem: bool = False,
        avg_down: bool = False,
        frozen_stages: Annotated[int, Interval(ge=-1, le=4)] = -1,
        conv_cfg: dict[str, Any] | None = None,
        norm_cfg: dict[str, Any] = BATCH_NORM,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        init_cfg: InitCfg = KAIMING,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        block, counts, usual_expansion = ARCHITECTURES[depth]
        expansion = usual_expansion if expansion is None else expansion
        self._check(block, expansion, num_stages, strides, dilations, out_indices, frozen_stages)
        self.in_channels = in_channels
        self.out_indices = out_indices
        self.deep_stem = deep_stem
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg

        self._make_stem_layer(in_channels, stem_channels)
        channels = [base_channels * expansion * 2**index for index in range(num_stages)]
        rates = drop_path_rates(drop_path_rate, sum(counts))
        for index, (before, after) in enumerate(zip([stem_channels, *channels], channels, strict=False)):
            options = BlockOptions(expansion, dilations[index], style, with_cp, conv_cfg, norm_cfg)
            own, rates = rates[: counts[index]], rates[counts[index] :]
            stage = residual_stage(block, before, after, strides[index], avg_down, options, own)
            self.add_module(f"layer{index + 1}", stage)
        self.res_layers = [f"layer{index + 1}" for index in range(num_stages)]
        self.out_channels = tuple(channels[index] for index in out_indices)

        self._initialize(init_cfg, zero_init_residual)
        self._freeze()

    def forward(
        self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]
    ) -> Annotated[Pyramid, "B out_channels H W"]:
        """Run the stem and the stages up to the last that is given out."""
        x = self._run_stem(image)
        levels = []
        for index in range(self.out_indices[-1] + 1):
            x = getattr(self, f"layer{index + 1}")(x)
            if index in self.out_indices:
                levels.append(x)
        return tuple(levels)

    def train(self, mode: bool = True) -> Self:
        """Switch to training, but for the statistics that ``frozen_stages`` and ``norm_eval`` keep."""
        super().train(mode)
        for part in self._frozen():
            part.eval()
        if self.norm_eval:
            hold_statistics(self)
        return self

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        if self.deep_stem:
            if stem_channels % 2:
                raise ValueError(
                    f"found stem_channels {stem_channels}, a deep stem needs an even number: set {stem_channels + 1}"
                )
            half = stem_channels // 2
            cfgs: dict[str, Any] = {"conv_cfg": self.conv_cfg, "norm_cfg": self.norm_cfg}
            self.stem = nn.Sequential(
                ConvModule(in_channels, half, 3, stride=2, padding=1, **cfgs),
                ConvModule(half, half, 3, padding=1, **cfgs),
                ConvModule(half, stem_channels, 3, padding=1, **cfgs),
            )
        else:
            self._make_plain_stem(in_channels, stem_channels, kernel_size=7, stride=2)
        self.maxpool: nn.Module = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def _make_plain_stem(self, in_channels: int, stem_channels: int, kernel_size: int, stride: int) -> None:
        self.conv1 = build_conv(
            self.conv_cfg, in_channels, stem_channels, kernel_size, stride=stride, padding=kernel_size // 2, bias=False
        )
        self.norm1_name = f"{norm_name(self.norm_cfg)}1"
        self.add_module(self.norm1_name, build_norm(self.norm_cfg, stem_channels))
        self.relu = nn.ReLU(inplace=True)

    def _run_stem(self, image: Tensor) -> Tensor:
        if self.deep_stem:
            return self.maxpool(self.stem(image))
        return self.maxpool(self.relu(self.norm1(self.conv1(image))))

    @property
    def norm1(self) -> nn.Module:
        """The stem's normalisation, where the stem is one convolution."""
        return getattr(self, self.norm1_name)

    def _initialize(self, init_cfg: InitCfg, zero_init_residual: bool) -> None:
        initialize(self, init_cfg)
        if zero_init_residual:
            for part in self.modules():
                if isinstance(part, BasicBlock | Bottleneck):
                    initialize(part.last_norm, {"type": "Constant", "val": 0})

    def _frozen(self) -> list[nn.Module]:
        if self.frozen_stages < 0:
            return []
        stem = [self.stem] if self.deep_stem else [self.conv1, self.norm1]
        return [*stem, *(getattr(self, f"layer{index + 1}") for index in range(self.frozen_stages))]

    def _freeze(self) -> None:
        for part in self._frozen():
            part.requires_grad_(False)
        self.train(self.training)

    @staticmethod
    def _check(
        block: type[BasicBlock] | type[Bottleneck],
        expansion: int,
        num_stages: int,
        strides: tuple[int, ...],
        dilations: tuple[int, ...],
        out_indices: tuple[int, ...],
        frozen_stages: int,
    ) -> None:
        if block is BasicBlock and expansion != 1:
            raise ValueError(f"found expansion {expansion}, depths 18 and 34 have no other than 1: leave expansion out")
        for name, values in (("strides", strides), ("dilations", dilations)):
            if len(values) != num_stages:
                raise ValueError(
                    f"found {len(values)} {name} {values}, expected {num_stages}: give one a stage, or set num_stages"
                )
        if list(out_indices) != sorted(set(out_indices)) or out_indices[-1] >= num_stages:
            raise ValueError(f"found out_indices {out_indices}, expected ascending indices from 0 to {num_stages - 1}")
        if frozen_stages > num_stages:
            raise ValueError(
                f"found frozen_stages {frozen_stages}, there are {num_stages} stages: set at most {num_stages}"
            )
