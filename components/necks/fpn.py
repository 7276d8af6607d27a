"""Feature pyramids."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval, MinLen
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count
from components.shared.conv_module import ConvModule
from components.shared.initialization import InitCfg, initialize
from composer.ports import InputError, Pyramid, Usually

__all__ = ["FPN", "PAFPN"]

XAVIER: dict[str, Any] = {"type": "Xavier", "layer": "Conv2d", "distribution": "uniform"}
NEAREST: dict[str, Any] = {"mode": "nearest"}

Levels = Annotated[tuple[Count, ...], MinLen(1)]
Outs = Annotated[int, Interval(ge=1, le=32)]
Level = Annotated[int, Ge(0)]


class FPN(nn.Module):
    """Feature pyramid network (arXiv:1612.03144, section 3): coarse levels are added to finer ones from the top down.

    Keywords: feature pyramid network, feature pyramid, pyramid, multi-scale features, neck, top-down, lateral
    connections, detection neck, decoder.

    Args:
        in_channels: Channels of each incoming level.
        out_channels: Channels of every outgoing level.
        num_outs: How many levels go out; those beyond the incoming ones each halve the one before.
        start_level: The first incoming level that is used.
        end_level: The last one that is used; -1 for the last of all. With an earlier one there are no further levels.
        add_extra_convs: What the further levels are convolved from: the last incoming level (``on_input``, the same as
            true), its lateral (``on_lateral``) or the last outgoing level (``on_output``). False takes every second
            pixel of the coarsest level.
        relu_before_extra_convs: Whether a further level passes a ReLU before the next one is convolved from it.
        no_norm_on_lateral: Whether the laterals have no normalisation.
        conv_cfg: The convolutions; None is ``nn.Conv2d``.
        norm_cfg: The normalisations; None is none.
        act_cfg: The activations; None is none.
        upsample_cfg: How a level is enlarged: ``mode``, and ``scale_factor`` where it should not take the size of the
            finer level.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.

    Raises:
        ValueError: The levels contradict each other, or one of the ``_cfg`` names something unknown. In ``forward``:
            another number of levels comes in.
    """

    def __init__(
        self,
        in_channels: Levels,
        out_channels: Count,
        num_outs: Outs,
        start_level: Level = 0,
        end_level: Annotated[int, Ge(-1)] = -1,
        add_extra_convs: bool | Literal["on_input", "on_lateral", "on_output"] = False,
        relu_before_extra_convs: bool = False,
        no_norm_on_lateral: bool = False,
        conv_cfg: dict[str, Any] | None = None,
        norm_cfg: dict[str, Any] | None = None,
        act_cfg: dict[str, Any] | None = None,
        upsample_cfg: dict[str, Any] = NEAREST,
        init_cfg: InitCfg = XAVIER,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_outs = num_outs
        self.start_level = start_level
        self.stop_level = _stop_level(len(in_channels), num_outs, start_level, end_level)
        self.extra_source = "on_input" if add_extra_convs is True else add_extra_convs or None
        self.relu_before_extra_convs = relu_before_extra_convs
        self.upsample_cfg = upsample_cfg
        cfgs: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, "act_cfg": act_cfg}
        lateral = cfgs | ({"norm_cfg": None} if no_norm_on_lateral else {})
        used = in_channels[start_level : self.stop_level]
        self.lateral_convs = nn.ModuleList(ConvModule(channels, out_channels, 1, **lateral) for channels in used)
        self.fpn_convs = nn.ModuleList(ConvModule(out_channels, out_channels, 3, padding=1, **cfgs) for _ in used)
        for index in range(num_outs - len(used) if self.extra_source else 0):
            first = used[-1] if index == 0 and self.extra_source == "on_input" else out_channels
            self.fpn_convs.append(ConvModule(first, out_channels, 3, stride=2, padding=1, **cfgs))
        self._add_layers(out_channels, cfgs)
        initialize(self, init_cfg)

    def _add_layers(self, out_channels: int, cfgs: dict[str, Any]) -> None:
        """Build what a kind of pyramid has beside the laterals and the convolutions of the levels."""

    def forward(
        self, feature: Annotated[Pyramid, Usually("ResNet"), "B in_channels H W"]
    ) -> Annotated[Pyramid, "B out_channels H2 W2"]:
        """P_i = conv(lateral(C_i) + enlarged(P_(i+1) before its convolution)), then the further levels."""
        if len(feature) != len(self.in_channels):
            expected = f"one for each of in_channels {self.in_channels}"
            raise InputError("feature", f"found {len(feature)} levels, expected {len(self.in_channels)}, {expected}")
        used = feature[self.start_level : self.stop_level]
        laterals = [conv(level) for conv, level in zip(self.lateral_convs, used, strict=True)]
        for index in range(len(laterals) - 1, 0, -1):
            laterals[index - 1] = laterals[index - 1] + self._enlarged(laterals[index], laterals[index - 1])
        levels = self._levels([conv(x) for conv, x in zip(self.fpn_convs, laterals, strict=False)])
        return tuple(self._with_further(levels, used[-1], laterals[-1]))

    def _levels(self, levels: list[Tensor]) -> list[Tensor]:
        return levels

    def _enlarged(self, coarse: Tensor, fine: Tensor) -> Tensor:
        sizes: dict[str, Any] = {} if "scale_factor" in self.upsample_cfg else {"size": fine.shape[2:]}
        return F.interpolate(coarse, **sizes, **self.upsample_cfg)

    def _with_further(self, levels: list[Tensor], last_input: Tensor, last_lateral: Tensor) -> list[Tensor]:
        if self.extra_source is None:
            while len(levels) < self.num_outs:
                levels.append(F.max_pool2d(levels[-1], 1, stride=2))
            return levels
        source = {"on_input": last_input, "on_lateral": last_lateral, "on_output": levels[-1]}[self.extra_source]
        for index, conv in enumerate(self.fpn_convs[len(levels) :]):
            source = source if index == 0 else levels[-1]
            levels.append(conv(source.relu() if index and self.relu_before_extra_convs else source))
        return levels


class PAFPN(FPN):
    """Path aggregation network (arXiv:1803.01534, section 3.1): a feature pyramid, then a path from the bottom up.

    Keywords: panet, pan, path aggregation, path aggregation network, bottom-up, feature pyramid, pyramid, yolo
    neck, detection neck.

    Raises:
        ValueError: As for ``FPN``.
    """

    def __init__(self, in_channels: Levels, out_channels: Count, num_outs: Outs, **kwargs: Any) -> None:
        super().__init__(in_channels, out_channels, num_outs, upsample_cfg=NEAREST, **kwargs)

    def _add_layers(self, out_channels: int, cfgs: dict[str, Any]) -> None:
        def conv(stride: int) -> ConvModule:
            return ConvModule(out_channels, out_channels, 3, stride=stride, padding=1, **cfgs)

        steps = len(self.lateral_convs) - 1
        self.downsample_convs = nn.ModuleList(conv(2) for _ in range(steps))
        self.pafpn_convs = nn.ModuleList(conv(1) for _ in range(steps))

    def _levels(self, levels: list[Tensor]) -> list[Tensor]:
        """N_(i+1) = conv(P_(i+1) + halved(N_i before its convolution)); N_2 is P_2."""
        for index, halve in enumerate(self.downsample_convs):
            levels[index + 1] = levels[index + 1] + halve(levels[index])
        return [levels[0], *(conv(x) for conv, x in zip(self.pafpn_convs, levels[1:], strict=True))]


def _stop_level(levels: int, num_outs: int, start_level: int, end_level: int) -> int:
    """The level behind the last one that is used."""
    to_the_end = end_level in (-1, levels - 1)
    stop = levels if to_the_end else end_level + 1
    if not start_level < stop <= levels:
        last = f"start_level {start_level} and end_level {end_level}"
        raise ValueError(f"found {last}, in_channels has {levels} levels: choose from 0 to {levels - 1}, in order")
    used = stop - start_level
    if num_outs < used or (num_outs > used and not to_the_end):
        fit = f"{used} or more" if to_the_end else f"{used}, as end_level is not the last"
        raise ValueError(f"found num_outs {num_outs}, the pyramid has {used} levels of its own: set it to {fit}")
    return stop
