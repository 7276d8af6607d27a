"""The optimizer of a config, with its clipping and its precision: ``optim_wrapper``, and mmcv 1's four settings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from composer.openmmlab.recipes.settings import Settings
from composer.training.recipe import Clip

__all__ = ["OPTIMIZERS", "ReadOptimizer", "read_optimizer"]

_BETAS = frozenset({"betas", "eps", "amsgrad"})
OPTIMIZERS: Mapping[str, frozenset[str]] = {
    "Adadelta": frozenset({"rho", "eps"}),
    "Adagrad": frozenset({"lr_decay", "initial_accumulator_value", "eps"}),
    "Adam": _BETAS,
    "AdamW": _BETAS,
    "Adamax": frozenset({"betas", "eps"}),
    "LARS": frozenset({"momentum", "eps", "nesterov"}),
    "Lamb": frozenset({"betas", "eps", "bias_correction", "max_grad_norm", "trust_clip", "always_adapt"}),
    "NAdam": frozenset({"betas", "eps", "momentum_decay"}),
    "RAdam": frozenset({"betas", "eps"}),
    "RMSprop": frozenset({"alpha", "eps", "momentum", "centered"}),
    "SGD": frozenset({"momentum", "dampening", "nesterov"}),
}
"""The optimizers that a recipe takes from a config, with their own settings."""

_OLDER_PARAMWISE = ("paramwise_cfg", "paramwise_options")
_LAYER_WISE = ("LayerDecay", "LearningRateDecay", "TransformerFinetune")


@dataclass(frozen=True)
class ReadOptimizer:
    """What a config says of its optimizer.

    Args:
        values: What the recipe's optimizer has: ``type``, ``lr``, ``weight_decay`` and those of the class.
        paramwise: ``paramwise_cfg``: what holds for some parameters only.
        clip: Gradients that are cut.
        parts: In how many parts a step is computed.
        precision: Of autocast.
    """

    values: Mapping[str, Any]
    paramwise: Settings
    clip: Clip
    parts: int
    precision: Literal["fp32", "bf16", "fp16"]

    @property
    def rate(self) -> float | None:
        """The learning rate."""
        return self.values.get("lr")


def read_optimizer(config: Settings) -> ReadOptimizer:
    """The optimizer of a config, of mmengine's form or mmcv 1's.

    Args:
        config: The whole config.
    """
    return _newer(config) if "optim_wrapper" in config else _older(config)


def _newer(config: Settings) -> ReadOptimizer:
    wrapper = config.inside("optim_wrapper")
    optimizer = wrapper.inside("optimizer")
    values = _optimizer(optimizer)
    paramwise = _layered(optimizer, wrapper.inside("paramwise_cfg"))
    parts = wrapper.whole("accumulative_counts", 1) or 1
    clip = _clip(wrapper.inside("clip_grad"))
    precision = _precision(wrapper)
    _constructor(wrapper, paramwise)
    wrapper.close()
    optimizer.close(f"{optimizer.kind} of a recipe has no such setting")
    return ReadOptimizer(values, paramwise, clip, parts, precision)


def _older(config: Settings) -> ReadOptimizer:
    optimizer = config.inside("optimizer")
    hook = config.inside("optimizer_config")
    values = _optimizer(optimizer)
    named = next((key for key in _OLDER_PARAMWISE if key in optimizer), _OLDER_PARAMWISE[0])
    paramwise = _layered(optimizer, optimizer.inside(named))
    _constructor(optimizer, paramwise)
    optimizer.close(f"{optimizer.kind} of a recipe has no such setting")
    parts = hook.whole("update_interval") or hook.whole("cumulative_iters") or 1
    parts = config.whole("update_interval") or parts
    clip = _clip(hook.inside("grad_clip"))
    half = config.inside("fp16") if isinstance(config.data.get("fp16"), Mapping) else Settings("", {}, config.report)
    precision: Literal["fp32", "fp16"] = "fp32"
    if half or config.take("fp16") is True or hook.take("use_fp16") is True or hook.kind.startswith("Fp16"):
        precision = "fp16"
        for one in (half, hook):
            one.usual("loss_scale", "dynamic")
            one.left("loss_scale", "with fp16 a recipe finds the scale of the loss by itself")
    hook.beside("coalesce", "bucket_size_mb", "detect_anomalous_params", "distributed")
    hook.left(
        "frozen_layers_cfg", "what stays frozen at first is a part of the graph, or policy: {NODE: {freeze: ...}}"
    )
    hook.close()
    half.close()
    return ReadOptimizer(values, paramwise, clip, parts, precision)


def _layered(optimizer: Settings, paramwise: Settings) -> Settings:
    """The rules for some parameters, with a rate by layer that stands in the optimizer."""
    optimizer.beside("model_type")
    for key in ("layer_decay_rate", "layer_decay"):
        if key in optimizer:
            rate = optimizer.take(key)
            place = paramwise.place or optimizer.place
            return Settings(place, {**paramwise.data, "layer_decay_rate": rate}, optimizer.report)
    return paramwise


def _optimizer(optimizer: Settings) -> dict[str, Any]:
    """The class and what it is given; nothing where the class is not one of a recipe."""
    kind = optimizer.kind
    if not kind:
        return {}
    own = OPTIMIZERS.get(kind)
    if own is None:
        known = ", ".join(sorted(OPTIMIZERS))
        text = f"{kind} is none of a recipe's optimizers ({known}): its default is taken, with its learning rate"
        optimizer.drop(text)
        return {}
    values: dict[str, Any] = {"type": kind}
    values["lr"] = optimizer.number("lr", 0.1 if kind in ("SGD", "LARS") else 0.001)
    values["weight_decay"] = optimizer.number("weight_decay", 0.01 if kind == "AdamW" else 0.0)
    for key in sorted(own):
        value = optimizer.take(key)
        numbers = value if isinstance(value, list) else [value]
        if value is not None and all(isinstance(one, int | float) and math.isfinite(one) for one in numbers):
            values[key] = value
        elif value is not None:
            optimizer.report.left(optimizer.at(key), f"found {value!r:.60}, expected numbers")
    if kind == "LARS" and (trust := optimizer.number("eta")) is not None:
        values["trust"] = trust
    optimizer.usual("dampening", 0)
    optimizer.beside("foreach", "fused", "capturable", "differentiable", "maximize")
    return values


def _clip(clip: Settings) -> Clip:
    """``clip_grad``: by norm, of which a recipe knows the Euclidean one, or by value."""
    kind = clip.take("norm_type", 2)
    norm = clip.number("max_norm", None)
    value = clip.number("clip_value", None)
    if str(clip.take("type", "norm")) == "value" and value is None:
        value, norm = norm, None
    clip.usual("error_if_nonfinite", False)
    if kind in ("inf", math.inf):
        clip.report.left(clip.at("norm_type"), "a recipe cuts by the Euclidean norm")
        norm = None
    elif kind != 2:
        clip.report.left(clip.at("norm_type"), f"found {kind!r}: a recipe cuts by the Euclidean norm")
    clip.close()
    return Clip(norm=norm or None, value=value or None)


def _precision(wrapper: Settings) -> Literal["fp32", "bf16", "fp16"]:
    """Autocast of ``AmpOptimWrapper``."""
    kind = wrapper.kind
    wrapper.usual("loss_scale", "dynamic")
    if kind in ("", "OptimWrapper"):
        return "fp32"
    dtype = str(wrapper.take("dtype", "float16")).rpartition(".")[2]
    if kind != "AmpOptimWrapper":
        text = f"{kind} is left out: distributed of a recipe says how processes share the work; precision is fp32"
        wrapper.report.left(wrapper.place, text)
        return "fp32"
    wrapper.left("loss_scale", "with fp16 a recipe finds the scale of the loss by itself")
    wrapper.beside("use_fsdp")
    return "bf16" if dtype == "bfloat16" else "fp16"


def _constructor(wrapper: Settings, paramwise: Settings) -> None:
    """Who builds the groups of parameters: the rules of ``paramwise_cfg``, and perhaps a rate that falls by layer."""
    name = str(wrapper.take("constructor", "")).rpartition(".")[2]
    if not name or name.startswith("Default") or any(part in name for part in _LAYER_WISE):
        return
    wrapper.report.left(wrapper.at("constructor"), f"{name} is not known: what it does is left out")
