"""Normalisation layers from OpenMMLab's ``norm_cfg``."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from components.shared.distributed import all_summed_with_gradient, process_count
from components.shared.value_checks import values_are_known

__all__ = ["BATCH_NORMS", "SyncBatchNorm", "build_norm", "hold_statistics", "norm_name"]

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
"""The layers that keep running statistics."""


class SyncBatchNorm(nn.SyncBatchNorm):
    """Batch normalisation over all processes, on a CPU too: torch's own layer trains on accelerators alone.

    Several processes compute what one with the samples of all would (statistics, outputs, gradients of the sum of
    their losses); they may hold different numbers of samples.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The feature map [B, C, ...] with mean 0 and variance 1 over all samples, scaled and shifted."""
        if input.device.type != "cpu" or process_count() == 1 or not (self.training or self.running_mean is None):
            return super().forward(input)
        self._check_input_dim(input)
        axes = [axis for axis in range(input.dim()) if axis != 1]
        ones = input.new_full((1,), input.numel() / input.shape[1])
        sums = all_summed_with_gradient(torch.cat([input.sum(dim=axes), ones]))
        mean, count = sums[:-1] / sums[-1], sums[-1].detach()
        if values_are_known(count) and count <= 1:
            raise ValueError(f"found {list(input.shape)} in all processes, expected more than one value per channel")
        shape = [1, -1, *[1] * (input.dim() - 2)]
        centered = input - mean.view(shape)
        variance = all_summed_with_gradient(centered.square().sum(dim=axes)) / count
        self._follow(mean.detach(), variance.detach() * count / (count - 1))
        scaled = centered * (variance + self.eps).rsqrt().view(shape)
        return torch.addcmul(self.bias.view(shape), scaled, self.weight.view(shape)) if self.affine else scaled

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics as torch does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean), share)
        self.running_var.lerp_(variance.to(self.running_var), share)


def hold_statistics(module: nn.Module) -> None:
    """Let the batch normalisations of a module evaluate, so that their statistics stay as they are."""
    for part in module.modules():
        if isinstance(part, BATCH_NORMS):
            part.eval()


_LAYERS: dict[str, tuple[str, type[nn.Module]]] = {
    "BN": ("bn", nn.BatchNorm2d),
    "BN1d": ("bn", nn.BatchNorm1d),
    "BN2d": ("bn", nn.BatchNorm2d),
    "BN3d": ("bn", nn.BatchNorm3d),
    "SyncBN": ("bn", SyncBatchNorm),
    "GN": ("gn", nn.GroupNorm),
}


def build_norm(norm_cfg: Mapping[str, Any], channels: int) -> nn.Module:
    """The layer that ``norm_cfg`` describes.

    Args:
        norm_cfg: ``type`` (BN, BN1d, BN2d, BN3d, SyncBN or GN), ``requires_grad`` (default True) and the
            layer's own options: ``eps``, ``momentum``, for GN ``num_groups``.
        channels: Channels of the incoming feature.

    Raises:
        ValueError: The type is none of these, or an option is not the layer's.
    """
    options = dict(norm_cfg)
    _, layer = _entry(options.pop("type", None))
    trained = options.pop("requires_grad", True)
    groups = options.get("num_groups")
    if layer is nn.GroupNorm and (type(groups) is not int or groups < 1 or channels % groups):
        raise ValueError(
            f"norm_cfg: GN needs num_groups, found {dict(norm_cfg)}: set num_groups to a divisor of the {channels} "
            "channels"
        )
    arguments = (options.pop("num_groups"), channels) if layer is nn.GroupNorm else (channels,)
    try:
        norm = layer(*arguments, **options)
    except TypeError as error:
        raise ValueError(
            f"norm_cfg: {dict(norm_cfg)} has an option that {layer.__name__} does not take: {error}"
        ) from error
    for parameter in norm.parameters():
        parameter.requires_grad_(trained)
    return norm


def norm_name(norm_cfg: Mapping[str, Any]) -> str:
    """The name under which OpenMMLab keeps such a layer: ``bn`` or ``gn``.

    Raises:
        ValueError: The type is unknown.
    """
    return _entry(norm_cfg.get("type"))[0]


def _entry(kind: Any) -> tuple[str, type[nn.Module]]:
    if kind not in _LAYERS:
        raise ValueError(f"norm_cfg: found type {kind!r}, expected one of {', '.join(_LAYERS)}")
    return _LAYERS[kind]
