"""Activations, pooling, dropout, resizing: layers without weights that are called as functions."""

from typing import Any

from composer.modules.functions.arithmetic import clamp, is_read
from composer.modules.functions.rules import RULES, Rule, paired, rule
from composer.modules.steps import Steps, UnsupportedError


def _function(type: str, *names: str, **defaults: Any) -> Rule:
    """A rule whose arguments are the component's parameters, one for one."""

    def made(steps: Steps, out: Any, input: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("inplace", None)
        given = {**defaults, **dict(zip(names, args, strict=False)), **kwargs}
        params = {name: given[name] for name in names if name in given}
        left = {key: item for key, item in given.items() if key not in names and item not in (None, False)}
        if left:
            raise UnsupportedError(f"{type} with {', '.join(left)}")
        steps.emit(type, {"input": input}, out, params)

    return made


RULES |= {
    "relu": _function("ReLU"),
    "relu6": _function("ReLU6"),
    "silu": _function("SiLU"),
    "mish": _function("Mish"),
    "hardswish": _function("Hardswish"),
    "hardsigmoid": _function("Hardsigmoid"),
    "sigmoid": _function("Sigmoid"),
    "tanh": _function("Tanh"),
    "gelu": _function("GELU", "approximate"),
    "leaky_relu": _function("LeakyReLU", "negative_slope"),
    "elu": _function("ELU", "alpha"),
    "softplus": _function("Softplus", "beta"),
    "pixel_shuffle": _function("PixelShuffle", "upscale_factor"),
    "pixel_unshuffle": _function("PixelUnshuffle", "downscale_factor"),
    "local_response_norm": _function("LocalResponseNorm", "size", "alpha", "beta", "k"),
}


@rule("hardtanh")
def hardtanh(
    steps: Steps, out: Any, input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> None:
    """Bounds, ReLU6 among them."""
    if (min_val, max_val) == (0, 6):
        steps.emit("ReLU6", {"input": input}, out, hint="relu6")
    else:
        clamp(steps, out, input, min_val, max_val)


@rule("softmax", "log_softmax")
def softmax(steps: Steps, out: Any, input: Any, dim: Any = None, *_: Any, **__: Any) -> None:
    """Softmax along an axis."""
    assert steps.call is not None
    if not isinstance(dim, int):
        raise UnsupportedError("softmax along an axis that is not named")
    rank = len(steps.value(input).shape)
    type = "LogSoftmax" if steps.call.name.startswith("log") else "Softmax"
    steps.emit(type, {"input": input}, out, {"dim": -1 if dim % rank == rank - 1 else dim})


@rule("dropout", "feature_dropout", "dropout2d", "alpha_dropout")
def dropout(steps: Steps, out: Any, input: Any, p: float = 0.5, training: bool = True, *_: Any, **more: Any) -> None:
    """Dropout; a file may hold a program of training, a module was recorded in evaluation."""
    assert steps.call is not None
    if more.get("train", training) and not steps.call.target.startswith("aten.") and p:
        raise UnsupportedError("dropout that acts in evaluation too: give training=self.training")
    if p == 0:
        steps.alias(out, input)
        return
    if steps.call.name == "alpha_dropout":
        raise UnsupportedError("alpha dropout")
    type = "Dropout" if steps.call.name == "dropout" else "Dropout2d"
    steps.emit(type, {"input": input}, out, {"p": float(p)})


@rule("max_pool2d", "max_pool2d_with_indices", "boolean_dispatch")
def max_pool2d(
    steps: Steps,
    out: Any,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> None:
    """Max pooling."""
    if isinstance(out, list | tuple):
        if is_read(steps, out[1]):
            raise UnsupportedError("the places of the largest pixels")
        out = out[0]
    params = {
        "kernel_size": paired(kernel_size),
        "stride": paired(stride),
        "padding": paired(padding),
        "dilation": paired(dilation),
        "ceil_mode": ceil_mode,
    }
    steps.emit("MaxPool2d", {"input": input}, out, params)


@rule("avg_pool2d", "avg_pool1d")
def avg_pool(
    steps: Steps,
    out: Any,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> None:
    """Average pooling."""
    assert steps.call is not None
    if divisor_override is not None:
        raise UnsupportedError("average pooling with a divisor of its own")
    params = {
        "kernel_size": paired(kernel_size),
        "stride": paired(stride),
        "padding": paired(padding),
        "ceil_mode": ceil_mode,
        "count_include_pad": count_include_pad,
    }
    steps.emit(f"AvgPool{steps.call.name[-2:]}", {"input": input}, out, params)


@rule("adaptive_avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool1d")
def adaptive_pool(steps: Steps, out: Any, input: Any, output_size: Any) -> None:
    """Adaptive pooling."""
    assert steps.call is not None
    _, kind, pool = steps.call.name.split("_")
    type = f"Adaptive{kind.capitalize()}{pool.capitalize()}"
    out = out[0] if isinstance(out, list | tuple) else out
    steps.emit(type.replace("pool", "Pool"), {"input": input}, out, {"output_size": paired(output_size)})


@rule("interpolate")
def interpolate(
    steps: Steps,
    out: Any,
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> None:
    """A map of another size."""
    shape, rank = steps.value(out).shape, len(steps.value(input).shape)
    if rank == 3:  # a sequence is a map of one row
        _interpolated_row(steps, out, input, scale_factor, mode, align_corners, bool(recompute_scale_factor))
        return
    if rank != 4 or mode not in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        raise UnsupportedError(f"interpolation {mode} of a tensor with {rank} axes")
    params: dict[str, Any] = {"mode": mode, "align_corners": align_corners}
    by_factor = scale_factor is not None and not recompute_scale_factor
    if antialias:
        if by_factor:
            raise UnsupportedError("interpolation with antialiasing by a factor: give a size")
        resized = {"size": paired(shape[2:]), "antialias": True}
        steps.emit("Resize", {"input": input}, out, params | resized, hint="resize")
        return
    if by_factor:
        factors = scale_factor if isinstance(scale_factor, tuple) else (scale_factor,)
        params["scale_factor"] = paired(tuple(float(factor) for factor in factors))
    else:
        params["size"] = paired(shape[2:])
    steps.emit("Upsample", {"input": input}, out, params, hint="upsample")


def _interpolated_row(
    steps: Steps, out: Any, input: Any, scale_factor: Any, mode: str, align_corners: bool | None, recompute: bool
) -> None:
    before, after = steps.value(input).shape, steps.value(out).shape
    if mode not in ("nearest", "nearest-exact", "linear", "area"):
        raise UnsupportedError(f"interpolation {mode} of a sequence")
    row, wide = steps.between(input, (*before[:2], 1, before[2])), steps.between(out, (*after[:2], 1, after[2]))
    factor = scale_factor[0] if isinstance(scale_factor, tuple) else scale_factor
    by_factor = factor is not None and not recompute
    steps.emit("Unsqueeze", {"input": input}, row, {"dim": 2})
    size, factors = (None, (1.0, float(factor))) if by_factor else ((1, after[2]), None)
    interpolate(steps, wide, row, size, factors, "bilinear" if mode == "linear" else mode, align_corners)
    steps.emit("Squeeze", {"input": wide}, out, {"dim": 2})


@rule(
    "upsample_nearest1d",
    "upsample_linear1d",
    "_upsample_nearest_exact1d",
    "upsample_nearest2d",
    "upsample_bilinear2d",
    "upsample_bicubic2d",
    "_upsample_nearest_exact2d",
    "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa",
)
def upsample(steps: Steps, out: Any, input: Any, *args: Any, **kwargs: Any) -> None:
    """A map of another size, as ATen has it: by its output size, which is known."""
    assert steps.call is not None
    mode = steps.call.name.removeprefix("_").removeprefix("upsample_").removesuffix("_aa")[:-2].replace("_", "-")
    nearest = mode.startswith("nearest")
    corners = None if nearest else bool(kwargs.get("align_corners", args[1] if len(args) > 1 else False))
    if steps.call.name.endswith("_aa"):
        interpolate(steps, out, input, steps.value(out).shape[2:], None, mode, corners, antialias=True)
        return
    scales = kwargs.get("scale_factors") or (args[-1] if args and isinstance(args[-1], tuple) else None)
    if scales and all(isinstance(one, float) for one in scales) and len(set(scales)) == 1:
        interpolate(steps, out, input, None, scales[0], mode, corners)
    else:
        interpolate(steps, out, input, steps.value(out).shape[2:], None, mode, corners)


@rule("normalize")
def normalize(steps: Steps, out: Any, input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> None:
    """Division by the norm along an axis."""
    steps.emit("Normalize", {"input": input}, out, {"dim": dim, "p": float(p), "eps": eps})


@rule("grid_sample", "grid_sampler", "grid_sampler_2d")
def grid_sample(
    steps: Steps,
    out: Any,
    input: Any,
    grid: Any,
    mode: Any = "bilinear",
    padding_mode: Any = "zeros",
    align_corners: bool | None = None,
) -> None:
    """A map read at given places; ATen has numbers for the modes."""
    if len(steps.value(input).shape) != 4:
        raise UnsupportedError("a volume read at given places")
    mode = mode if isinstance(mode, str) else ("bilinear", "nearest", "bicubic")[mode]
    outside = padding_mode if isinstance(padding_mode, str) else ("zeros", "border", "reflection")[padding_mode]
    params = {"mode": mode, "padding_mode": outside, "align_corners": bool(align_corners)}
    steps.emit("SampleGrid", {"input": input, "grid": grid}, out, params, hint="sample")
