"""Normalisation layers from OpenMMLab's ``norm_cfg``."""

from collections.abc import Mapping
from typing import Any

from torch import nn

__all__ = ["BATCH_NORMS", "build_norm", "norm_name"]

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
"""The layers that keep running statistics."""

_LAYERS: dict[str, tuple[str, type[nn.Module]]] = {
    "BN": ("bn", nn.BatchNorm2d),
    "BN1d": ("bn", nn.BatchNorm1d),
    "BN2d": ("bn", nn.BatchNorm2d),
    "BN3d": ("bn", nn.BatchNorm3d),
    "SyncBN": ("bn", nn.SyncBatchNorm),
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
    if layer is nn.GroupNorm and "num_groups" not in options:
        raise ValueError(
            f"norm_cfg: GN needs num_groups, found {dict(norm_cfg)}: set num_groups to a divisor of the channels"
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
