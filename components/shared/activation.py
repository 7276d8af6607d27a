"""Activations from OpenMMLab's ``act_cfg``."""

from collections.abc import Mapping
from typing import Any

from torch import nn

__all__ = ["RELU", "build_activation"]

RELU: dict[str, Any] = {"type": "ReLU"}

_IN_PLACE: dict[str, type[nn.Module]] = {
    "ReLU": nn.ReLU,
    "ReLU6": nn.ReLU6,
    "LeakyReLU": nn.LeakyReLU,
    "ELU": nn.ELU,
    "SiLU": nn.SiLU,
    "Swish": nn.SiLU,
    "HSwish": nn.Hardswish,
}
_OUT_OF_PLACE: dict[str, type[nn.Module]] = {
    "GELU": nn.GELU,
    "PReLU": nn.PReLU,
    "Sigmoid": nn.Sigmoid,
    "Tanh": nn.Tanh,
}


def build_activation(act_cfg: Mapping[str, Any], inplace: bool = False) -> nn.Module:
    """The layer that ``act_cfg`` describes.

    Args:
        act_cfg: ``type`` (ReLU, ReLU6, LeakyReLU, ELU, SiLU, Swish, HSwish, GELU, PReLU, Sigmoid or Tanh) and the
            layer's own options.
        inplace: Whether to overwrite the input where the layer can and ``act_cfg`` does not say.

    Raises:
        ValueError: The type is none of these, or an option is not the layer's.
    """
    options = dict(act_cfg)
    kind = options.pop("type", None)
    layer = _IN_PLACE.get(kind) or _OUT_OF_PLACE.get(kind)
    if layer is None:
        raise ValueError(f"act_cfg: found type {kind!r}, expected one of {', '.join([*_IN_PLACE, *_OUT_OF_PLACE])}")
    if kind in _IN_PLACE:
        options.setdefault("inplace", inplace)
    try:
        return layer(**options)
    except TypeError as error:
        raise ValueError(
            f"act_cfg: {dict(act_cfg)} has an option that {layer.__name__} does not take: {error}"
        ) from error
