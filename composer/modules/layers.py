"""Layers of ``torch.nn`` as components of the catalog: same name, parameters read from the module itself."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from composer.modules.functions.arithmetic import is_read
from composer.modules.functions.weighted import is_zero, reads_recurrent
from composer.modules.steps import Steps, UnsupportedError
from composer.modules.tape import V, Varying

__all__ = ["DROP_PATHS", "drop_rates", "is_layer", "layer"]

DROP_PATHS = ("DropPath", "StochasticDepth")
"""Ends of the names of classes that leave a branch out at random in training."""


def _pair(item: Any) -> Any:
    """One number for two that are equal."""
    if isinstance(item, list | tuple):
        return item[0] if len(set(item)) == 1 else tuple(item)
    return item


def _named(*names: str) -> Callable[[Any], dict[str, Any]]:
    """Attributes under their own names."""
    return lambda module: {name: _pair(getattr(module, name)) for name in names}


def _conv(module: Any) -> dict[str, Any]:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")
    found = {name: _pair(getattr(module, name)) for name in names} | {"bias": module.bias is not None}
    if module.padding_mode != "zeros":
        if not isinstance(module, nn.Conv2d):
            raise UnsupportedError(f"padding with mode {module.padding_mode}")
        found["padding_mode"] = module.padding_mode
    return found


def _conv_transpose(module: Any) -> dict[str, Any]:
    return _conv(module) | {"output_padding": _pair(module.output_padding)}


def _batch_norm(module: Any) -> dict[str, Any]:
    return _named("num_features", "eps", "momentum", "affine", "track_running_stats")(module)


def _layer_norm(module: nn.LayerNorm) -> dict[str, Any]:
    if len(module.normalized_shape) != 1:
        raise UnsupportedError("layer normalisation of several axes")
    return {
        "normalized_shape": module.normalized_shape[0],
        "eps": module.eps,
        "elementwise_affine": module.elementwise_affine,
        "bias": module.bias is not None,
    }


def _rms_norm(module: nn.RMSNorm) -> dict[str, Any]:
    if len(module.normalized_shape) != 1:
        raise UnsupportedError("root mean square normalisation of several axes")
    return {
        "normalized_shape": module.normalized_shape[0],
        "eps": module.eps,
        "elementwise_affine": module.elementwise_affine,
    }


def _embedding(module: nn.Embedding) -> dict[str, Any]:
    if module.max_norm is not None or module.scale_grad_by_freq or module.sparse:
        raise UnsupportedError("an embedding with a largest norm, or sparse gradients")
    found: dict[str, Any] = {"num_embeddings": module.num_embeddings, "embedding_dim": module.embedding_dim}
    return found | ({} if module.padding_idx is None else {"padding_idx": module.padding_idx})


def _max_pool(module: nn.MaxPool2d) -> dict[str, Any]:
    if module.return_indices:
        raise UnsupportedError("the places of the largest pixels")
    return _named("kernel_size", "stride", "padding", "dilation", "ceil_mode")(module)


def _avg_pool(module: Any) -> dict[str, Any]:
    if getattr(module, "divisor_override", None) is not None:
        raise UnsupportedError("average pooling with a divisor of its own")
    return _named("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")(module)


def _upsample(module: nn.Upsample) -> dict[str, Any]:
    if module.mode not in ("nearest", "bilinear", "bicubic") or module.recompute_scale_factor:
        raise UnsupportedError(f"interpolation {module.mode}")
    found: dict[str, Any] = {"mode": module.mode, "align_corners": module.align_corners}
    return found | ({"size": _pair(module.size)} if module.size else {"scale_factor": _pair(module.scale_factor)})


def _adaptive_max(module: nn.AdaptiveMaxPool2d) -> dict[str, Any]:
    if module.return_indices:
        raise UnsupportedError("the places of the largest pixels")
    return _named("output_size")(module)


def _softmax(module: Any) -> dict[str, Any]:
    if module.dim is None:
        raise UnsupportedError("softmax along an axis that is not named")
    return {"dim": module.dim}


def _hardtanh(module: nn.Hardtanh) -> dict[str, Any]:
    return {"min": float(module.min_val), "max": float(module.max_val)}


_NONE = _named()

READERS: Mapping[type[nn.Module], tuple[str, Callable[[Any], dict[str, Any]]]] = {
    nn.Conv1d: ("Conv1d", _conv),
    nn.Conv2d: ("Conv2d", _conv),
    nn.ConvTranspose2d: ("ConvTranspose2d", _conv_transpose),
    nn.BatchNorm1d: ("BatchNorm1d", _batch_norm),
    nn.BatchNorm2d: ("BatchNorm2d", _batch_norm),
    nn.InstanceNorm2d: ("InstanceNorm2d", _batch_norm),
    nn.GroupNorm: ("GroupNorm", _named("num_groups", "num_channels", "eps", "affine")),
    nn.LayerNorm: ("LayerNorm", _layer_norm),
    nn.RMSNorm: ("RMSNorm", _rms_norm),
    nn.LocalResponseNorm: ("LocalResponseNorm", _named("size", "alpha", "beta", "k")),
    nn.Linear: (
        "Linear",
        lambda module: _named("in_features", "out_features")(module) | {"bias": module.bias is not None},
    ),
    nn.Embedding: (nn.Embedding.__name__, _embedding),
    nn.ReLU: ("ReLU", _NONE),
    nn.ReLU6: ("ReLU6", _NONE),
    nn.Hardtanh: ("Clamp", _hardtanh),
    nn.SiLU: ("SiLU", _NONE),
    nn.Mish: ("Mish", _NONE),
    nn.Hardswish: ("Hardswish", _NONE),
    nn.Hardsigmoid: ("Hardsigmoid", _NONE),
    nn.Sigmoid: ("Sigmoid", _NONE),
    nn.Tanh: ("Tanh", _NONE),
    nn.GELU: ("GELU", _named("approximate")),
    nn.ELU: ("ELU", _named("alpha")),
    nn.LeakyReLU: ("LeakyReLU", _named("negative_slope")),
    nn.PReLU: ("PReLU", _named("num_parameters")),
    nn.Softplus: ("Softplus", _named("beta")),
    nn.Softmax: ("Softmax", _softmax),
    nn.LogSoftmax: ("LogSoftmax", _softmax),
    nn.Dropout: ("Dropout", _named("p")),
    nn.Dropout2d: ("Dropout2d", _named("p")),
    nn.MaxPool2d: ("MaxPool2d", _max_pool),
    nn.AvgPool1d: ("AvgPool1d", _avg_pool),
    nn.AvgPool2d: ("AvgPool2d", _avg_pool),
    nn.AdaptiveAvgPool1d: ("AdaptiveAvgPool1d", _named("output_size")),
    nn.AdaptiveAvgPool2d: ("AdaptiveAvgPool2d", _named("output_size")),
    nn.AdaptiveMaxPool2d: ("AdaptiveMaxPool2d", _adaptive_max),
    nn.PixelShuffle: ("PixelShuffle", _named("upscale_factor")),
    nn.PixelUnshuffle: ("PixelUnshuffle", _named("downscale_factor")),
    nn.Upsample: ("Upsample", _upsample),
}
"""For each layer the component that it is, and how its parameters are read."""


_WHOLE = (nn.MultiheadAttention, nn.Identity, nn.LSTM, nn.GRU, nn.RNN)
"""Layers with more than one input or output, and what does nothing."""


def _base(module: nn.Module) -> type[nn.Module] | None:
    """The layer of torch that a module is: its class, or one whose forward it has not changed."""
    for cls in type(module).__mro__:
        if cls in READERS or cls in _WHOLE:
            return cls if getattr(type(module), "forward", None) is getattr(cls, "forward", None) else None
    return None


def _drop_path(module: nn.Module) -> float | None:
    """The rate of a module that leaves branches out, sample by sample; None if it is none."""
    if not type(module).__name__.endswith(DROP_PATHS) or any(True for _ in module.parameters()):
        return None
    rate = getattr(module, "drop_prob", getattr(module, "p", None))
    by_row = getattr(module, "mode", "row") == "row" and getattr(module, "scale_by_keep", True)
    return float(rate or 0.0) if by_row and (rate is None or isinstance(rate, int | float)) else None


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one component, without a look inside."""
    if _drop_path(module) is not None:
        return True
    base = _base(module)
    if base is None or module._forward_hooks or module._forward_pre_hooks:
        return False
    if hasattr(module, "parametrizations"):  # its weight is computed
        return False
    if base is nn.Conv2d and module.weight.dtype not in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        return False
    if base in _WHOLE:
        return base is not nn.MultiheadAttention or _is_plain_attention(module)
    try:
        READERS[base][1](module)
    except UnsupportedError:
        return False
    return True


def _is_plain_attention(module: Any) -> bool:
    return module.bias_k is None and not module.add_zero_attn


def layer(steps: Steps) -> None:
    """Make the steps of a call of a layer.

    Raises:
        UnsupportedError: It was called in a way that the component does not know.
    """
    call = steps.call
    assert call is not None and call.module is not None
    module = call.module
    rate = _drop_path(module)
    if isinstance(module, nn.Identity) or rate == 0:
        steps.alias(call.out, call.args[0] if call.args else next(iter(call.kwargs.values())))
        return
    if rate is not None:
        source = call.args[0] if call.args else next(iter(call.kwargs.values()))
        steps.emit("DropPath", {"input": source}, call.out, {"drop_prob": rate}, hint=_hint(call.path), path=call.path)
        return
    if isinstance(module, nn.RNNBase):
        _recurrent(steps, module, *call.args, **call.kwargs)
        return
    if isinstance(module, nn.MultiheadAttention):
        _attention(steps, module, *call.args, **call.kwargs)
        return
    base = _base(module)
    assert base is not None
    type, read = READERS[base]
    source = call.args[0] if call.args else call.kwargs["input"]
    if len(call.args) + len(call.kwargs) == 2 and type == "ConvTranspose2d":
        size = call.args[1] if len(call.args) > 1 else call.kwargs.get("output_size")
        _transposed_to(steps, module, source, size)
        return
    if len(call.args) + len(call.kwargs) != 1:
        raise UnsupportedError(f"{type} called with more than its input")
    rank = len(steps.value(source).shape)
    if type in ("Conv2d", "ConvTranspose2d") and rank != 4:
        raise UnsupportedError("a convolution without a batch")
    params = read(module)
    if type == "Clamp" and params == {"min": 0.0, "max": 6.0}:
        type, params = "ReLU6", {}
    weights = {name: f"{call.path}.{name}" for name in module.state_dict() if not name.startswith("_")}
    steps.emit(
        type, {"input": source}, call.out, params, weights=weights, hint=_hint(call.path), path=call.path,
        frozen=_frozen(module),
    )  # fmt: skip


def _transposed_to(steps: Steps, module: Any, source: Any, size: Any) -> None:
    """A transposed convolution to a size: what its rows and columns get behind follows from it."""
    call = steps.call
    assert call is not None
    before, after = steps.value(source).shape, steps.value(call.out).shape
    if len(before) != 4 or size is None:
        raise UnsupportedError("a transposed convolution called with more than its input")
    params = _conv_transpose(module)
    plain = [
        (before[2 + axis] - 1) * module.stride[axis]
        - 2 * module.padding[axis]
        + module.dilation[axis] * (module.kernel_size[axis] - 1)
        + 1
        for axis in (0, 1)
    ]
    params["output_padding"] = _pair(tuple(after[2 + axis] - plain[axis] for axis in (0, 1)))
    weights = {name: f"{call.path}.{name}" for name in module.state_dict()}
    steps.emit(
        "ConvTranspose2d", {"input": source}, call.out, params, weights=weights, hint=_hint(call.path), path=call.path,
        frozen=_frozen(module),
    )  # fmt: skip


def _frozen(module: nn.Module) -> bool:
    """Whether all of a layer's weights take no gradient, and it keeps no statistics."""
    parameters = list(module.parameters())
    return bool(parameters) and not any(item.requires_grad for item in parameters) and not list(module.buffers())


def _hint(path: str) -> str:
    return path.rpartition(".")[2]


def _attention(
    steps: Steps,
    module: nn.MultiheadAttention,
    query: Any,
    key: Any,
    value: Any,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> None:
    call = steps.call
    assert call is not None
    out, weights = call.out
    if isinstance(weights, V) and is_read(steps, weights):
        raise UnsupportedError("the weights of attention as a tensor")
    if attn_mask is not None and len(steps.value(attn_mask).shape) != 2:
        raise UnsupportedError("a mask for every head")
    params: dict[str, Any] = {
        "embed_dim": module.embed_dim,
        "num_heads": module.num_heads,
        "dropout": module.dropout,
        "bias": module.in_proj_bias is not None,
    }
    params |= {} if module._qkv_same_embed_dim else {"kdim": module.kdim, "vdim": module.vdim}
    alike = query == key == value
    ports = {"query": query} if alike else {"query": query, "key": key, "value": value}
    result = out
    if not module.batch_first:
        ports = {name: _swapped(steps, item) for name, item in ports.items()}
        shape = steps.value(out).shape
        result = steps.between(out, (shape[1], shape[0], *shape[2:]))
    names = {name: f"{call.path}.{name}" for name in module.state_dict()}
    inputs = {**ports, "key_padding_mask": key_padding_mask, "attn_mask": attn_mask}
    steps.emit("MultiheadAttention", inputs, result, params, weights=names, hint=_hint(call.path), path=call.path)
    if not module.batch_first:
        steps.emit("Permute", {"input": result}, out, {"dims": (1, 0, 2)}, hint="permute")


def _swapped(steps: Steps, item: Any) -> V:
    """The batch in front."""
    shape = steps.value(item).shape
    if len(shape) != 3 or isinstance(shape[2], Varying):
        raise UnsupportedError("attention without a batch")
    turned = steps.between(item, (shape[1], shape[0], shape[2]))
    steps.emit("Permute", {"input": item}, turned, {"dims": (1, 0, 2)}, hint="permute")
    return turned


def _recurrent(steps: Steps, module: nn.RNNBase, input: Any, hx: Any = None) -> None:
    call = steps.call
    assert call is not None
    if not isinstance(input, V):
        raise UnsupportedError("a recurrent layer of sequences of several lengths (packed)")
    params = _named("input_size", "hidden_size", "num_layers", "bias", "dropout", "bidirectional")(module)
    if isinstance(module, nn.LSTM):
        params["proj_size"] = module.proj_size
    if isinstance(module, nn.RNN):
        params["nonlinearity"] = module.nonlinearity
    states = [None] if hx is None else list(hx) if isinstance(hx, tuple) else [hx]
    given = [None if item is None or is_zero(steps, item) else item for item in states]
    out = [call.out[0], *(call.out[1] if isinstance(call.out[1], tuple) else (call.out[1],))]
    names = {name: f"{call.path}.{name}" for name in module.state_dict()}
    base = _base(module)
    assert base is not None
    reads_recurrent(steps, out, input, given, module.batch_first, params, base.__name__, names, call.path)


_RATES = ("p", "drop_prob", "dropout", "drop", "dropout_p")


def drop_rates(module: nn.Module) -> list[tuple[nn.Module, str, float]]:
    """The chances of being left out that no call of a function shows: (part, name of the attribute, chance)."""
    recurrent = tuple(cls.__name__ for cls in (nn.LSTM, nn.GRU, nn.RNN))
    return [
        (part, name, value)
        for part in module.modules()
        if isinstance(part, nn.MultiheadAttention) or type(part).__name__.endswith((*DROP_PATHS, *recurrent))
        for name in _RATES
        if isinstance(value := getattr(part, name, None), float) and not isinstance(value, bool)
    ]
