"""First values of weights from OpenMMLab's ``init_cfg``."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["InitCfg", "fill_small", "initialize", "trunc_normal_"]

_EDGE = 1 - 1e-7  # the inverse error function is infinite at 1

InitCfg = dict[str, Any] | tuple[dict[str, Any], ...] | None
"""One rule, several applied in order, or None for the layers' own initialisation."""


def initialize(module: nn.Module, init_cfg: InitCfg) -> None:
    """Fill weights and biases by rules.

    Args:
        module: What to fill.
        init_cfg: Each rule has a ``type`` (Constant, Normal, TruncNormal, Uniform, Xavier, Kaiming or Caffe2Xavier)
            with its options, ``bias`` (default 0) or ``bias_prob``, ``layer``: names of the layer classes (or of their
            direct bases) it is for, by default every layer, and ``override``: rules for the children of a ``name``.

    Raises:
        ValueError: A rule's type, option or child is unknown.
    """
    for rule in (init_cfg,) if isinstance(init_cfg, Mapping) else init_cfg or ():
        rest = dict(rule)
        layers = _listed(rest.pop("layer", ()))
        overrides = _listed(rest.pop("override", ()))
        for part in module.modules():
            if set(layers) & _class_names(part) or not (layers or overrides):
                _fill(part, rest)
        for override in overrides:
            _fill_child(module, override, rest)


def fill_small(module: nn.Module, *layers: type[nn.Module]) -> None:
    """Truncated normal weights of deviation 0.02, no biases, and normalisations that change nothing.

    Args:
        module: What to fill.
        layers: The layers beside ``nn.Linear`` whose weights are drawn; their biases stay.
    """
    for part in module.modules():
        if isinstance(part, (nn.Linear, *layers)):
            trunc_normal_(part.get_parameter("weight"), std=0.02)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
        if isinstance(part, nn.LayerNorm):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Fill with a normal distribution cut off outside ``a`` to ``b``, by inverting its distribution function.

    ``torch.nn.init.trunc_normal_`` draws again until all values lie inside, which data-free tensors cannot show.

    Args:
        tensor: Filled in place.
        mean: Of the distribution before it is cut.
        std: Of the distribution before it is cut.
        a: Smallest value.
        b: Largest value.

    Returns:
        ``tensor``.
    """
    if tensor.is_meta:
        return tensor  # five kernels in Python for each weight, half of the time that building a Swin took
    wide = std * math.sqrt(2)
    low, high = (min(max(math.erf((bound - mean) / wide), -_EDGE), _EDGE) for bound in (a, b))
    with torch.no_grad():
        return tensor.uniform_(low, high).erfinv_().mul_(wide).add_(mean).clamp_(a, b)


def _fill_child(module: nn.Module, override: Mapping[str, Any], rule: Mapping[str, Any]) -> None:
    own = dict(override)
    child = getattr(module, own.pop("name", ""), None)
    if child is None:
        raise ValueError(f"init_cfg: override {dict(override)} names no child of {type(module).__name__}")
    for part in child.modules():
        _fill(part, own if "type" in own else rule)


def _fill(part: nn.Module, rule: Mapping[str, Any]) -> None:
    options = dict(rule)
    kind = options.pop("type", None)
    if kind not in _FILLS:
        hint = ": load the checkpoint into the built model instead" if kind == "Pretrained" else ""
        raise ValueError(f"init_cfg: found type {kind!r}, expected one of {', '.join(_FILLS)}{hint}")
    value, share = options.pop("bias", 0.0), options.pop("bias_prob", None)
    weight, bias = getattr(part, "weight", None), getattr(part, "bias", None)
    if isinstance(weight, Tensor):
        try:
            _FILLS[kind](weight, **options)
        except (TypeError, KeyError) as error:
            raise ValueError(f"init_cfg: {dict(rule)} has an option that {kind} does not take: {error}") from error
    if isinstance(bias, Tensor):
        nn.init.constant_(bias, value if share is None else math.log(share / (1 - share)))


def _listed(entries: Any) -> list[Any]:
    return [entries] if isinstance(entries, str | Mapping) else list(entries)


def _class_names(part: nn.Module) -> set[str]:
    return {item.__name__ for item in (type(part), *type(part).__bases__)}


def _constant(weight: Tensor, *, val: float) -> None:
    nn.init.constant_(weight, val)


def _normal(weight: Tensor, *, mean: float = 0.0, std: float = 1.0) -> None:
    nn.init.normal_(weight, mean, std)


def _trunc_normal(weight: Tensor, *, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> None:
    nn.init.trunc_normal_(weight, mean, std, a, b)


def _uniform(weight: Tensor, *, a: float = 0.0, b: float = 1.0) -> None:
    nn.init.uniform_(weight, a, b)


def _xavier(weight: Tensor, *, gain: float = 1.0, distribution: str = "normal") -> None:
    fill = {"normal": nn.init.xavier_normal_, "uniform": nn.init.xavier_uniform_}[distribution]
    fill(weight, gain)


def _kaiming(
    weight: Tensor, *, a: float = 0.0, mode: Any = "fan_out", nonlinearity: Any = "relu", distribution: str = "normal"
) -> None:
    fill = {"normal": nn.init.kaiming_normal_, "uniform": nn.init.kaiming_uniform_}[distribution]
    fill(weight, a, mode, nonlinearity)


def _caffe2_xavier(weight: Tensor) -> None:
    nn.init.kaiming_uniform_(weight, 1.0, "fan_in", "leaky_relu")


_FILLS: dict[str, Callable[..., None]] = {
    "Constant": _constant,
    "Normal": _normal,
    "TruncNormal": _trunc_normal,
    "Uniform": _uniform,
    "Xavier": _xavier,
    "Kaiming": _kaiming,
    "Caffe2Xavier": _caffe2_xavier,
}
