"""Layers that are called as functions with their weights."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from composer.modules.functions.rules import paired, rule
from composer.modules.functions.shape import permuted, repeat_interleave, reshaped
from composer.modules.steps import Steps, UnsupportedError
from composer.modules.tape import V


def weight_names(steps: Steps, *names: tuple[str, Any]) -> dict[str, str]:
    """Names of weights in the module's state dict.

    Raises:
        UnsupportedError: One is no weight of the module.
    """
    found = {}
    for name, item in names:
        if item is None:
            continue
        value = steps.weight(item)
        if value is None:
            raise UnsupportedError(f"a {name} that is computed")
        found[name] = value.name
    return found


def _frozen(steps: Steps, *items: Any) -> bool:
    values = [steps.weight(item) for item in items if item is not None]
    parameters = [value for value in values if value is not None and value.origin == "parameter"]
    return bool(parameters) and not any(value.requires_grad for value in parameters)


def _layer(steps: Steps, type: str, input: Any, out: Any, params: Mapping[str, Any], **weights: Any) -> None:
    names = weight_names(steps, *weights.items())
    path = next(iter(names.values()), "").rpartition(".")[0]
    hint = path.rpartition(".")[2]
    learned = [item for item in weights.values() if item is not None]
    frozen = "running_mean" not in weights and _frozen(steps, *learned)
    steps.emit(type, {"input": input}, out, params, weights=names, hint=hint, frozen=frozen, path=path)


@rule("linear")
def linear(steps: Steps, out: Any, input: Any, weight: Any, bias: Any = None) -> None:
    """A linear layer, or a product with a matrix that is computed."""
    rows, columns = steps.value(weight).shape
    if _all_weights(steps, weight, bias):
        params = {"in_features": columns, "out_features": rows, "bias": bias is not None}
        _layer(steps, "Linear", input, out, params, weight=weight, bias=bias)
        return
    turned = steps.between(weight, (columns, rows))
    permuted(steps, turned, weight, (1, 0))
    product = steps.between(out) if bias is not None else out
    steps.emit("MatMul", {"input": input, "other": turned}, product)
    if bias is not None:
        steps.emit("AddBroadcast", {"xs": [product, bias]}, out)


@rule("addmm")
def addmm(steps: Steps, out: Any, input: Any, mat1: Any, mat2: Any, beta: float = 1, alpha: float = 1) -> None:
    """A product of matrices and a bias."""
    if (beta, alpha) != (1, 1):
        raise UnsupportedError("a scaled sum of products")
    turned = turned_weight(steps, mat2)
    if turned is not None and _all_weights(steps, turned, input):
        linear(steps, out, mat1, turned, input)
        return
    product = steps.between(out)
    steps.emit("MatMul", {"input": mat1, "other": mat2}, product)
    steps.emit("AddBroadcast", {"xs": [product, input]}, out)


def turned_weight(steps: Steps, item: Any) -> V | None:
    """The weight that a matrix is, with its axes swapped."""
    maker = steps.places.get(steps.number(item))
    if maker is None or maker[0].type != "Permute" or maker[0].params["dims"] != (1, 0):
        return None
    source = V(maker[0].reads()[0])
    return source if steps.weight(source) is not None else None


def _all_weights(steps: Steps, *items: Any) -> bool:
    return all(item is None or steps.weight(item) is not None for item in items)


@rule("conv1d", "conv2d")
def conv(
    steps: Steps,
    out: Any,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> None:
    """A convolution."""
    shape = steps.value(weight).shape
    rank = len(shape) - 2
    if len(steps.value(input).shape) != rank + 2:
        raise UnsupportedError("a convolution without a batch")
    sizes = {"stride": stride, "padding": padding, "dilation": dilation}
    sizes = {key: item if isinstance(item, str) else paired(item) for key, item in sizes.items()}
    sizes["groups"] = groups
    if not _all_weights(steps, weight, bias):
        if rank != 2:
            raise UnsupportedError("a kernel that is computed")
        steps.emit("Convolve", {"input": input, "weight": weight, "bias": bias}, out, sizes)
        return
    params = {
        "in_channels": shape[1] * groups,
        "out_channels": shape[0],
        "kernel_size": paired(shape[2:]),
        "bias": bias is not None,
    }
    _layer(steps, f"Conv{rank}d", input, out, params | sizes, weight=weight, bias=bias)


@rule("conv_transpose2d")
def conv_transpose2d(
    steps: Steps,
    out: Any,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> None:
    """A transposed convolution."""
    shape = steps.value(weight).shape
    params = {
        "in_channels": shape[0],
        "out_channels": shape[1] * groups,
        "kernel_size": paired(shape[2:]),
        "stride": paired(stride),
        "padding": paired(padding),
        "output_padding": paired(output_padding),
        "groups": groups,
        "bias": bias is not None,
        "dilation": paired(dilation),
    }
    _layer(steps, "ConvTranspose2d", input, out, params, weight=weight, bias=bias)


@rule("batch_norm")
def batch_norm(steps: Steps, out: Any, *args: Any, **kwargs: Any) -> None:
    """Batch normalisation; the function of Python has the statistics in front of the weights, that of ATen behind."""
    assert steps.call is not None
    weights, statistics = ("weight", "bias"), ("running_mean", "running_var")
    middle = statistics + weights if steps.call.target.startswith("functional.") else weights + statistics
    names = ("input", *middle, "training", "momentum", "eps")
    given = dict(zip(names, args, strict=False))
    if given.keys() & kwargs.keys():
        raise UnsupportedError("batch normalisation with an argument twice")
    given |= kwargs
    input, weight, bias = (given.get(name) for name in ("input", *weights))
    running_mean, running_var = (given.get(name) for name in statistics)
    momentum, eps = given.get("momentum", 0.1), given.get("eps", 1e-5)
    shape = steps.value(input).shape
    if len(shape) > 4:
        raise UnsupportedError("batch normalisation of volumes")
    kept = {"running_mean": running_mean, "running_var": running_var}
    own = (weight is None) == (bias is None) and _all_weights(steps, weight, bias)
    affine = own and weight is not None
    params = {
        "num_features": shape[1],
        "eps": eps,
        "momentum": momentum,
        "affine": affine,
        "track_running_stats": running_mean is not None,
    }
    type = "BatchNorm2d" if len(shape) == 4 else "BatchNorm1d"
    if affine:
        kept |= {"weight": weight, "bias": bias}
    plain = out if own else steps.between(out)
    _layer(steps, type, input, plain, params, **kept)
    if not own:  # of a scale or a shift alone, or computed ones
        _scaled_channels(steps, out, plain, weight, bias)


def _scaled_channels(steps: Steps, out: Any, input: Any, weight: Any, bias: Any) -> None:
    """Channels times a scale, plus a shift; either may be None."""

    def beside(item: Any) -> V:
        shape = (*steps.value(item).shape, *(1 for _ in steps.value(input).shape[2:]))
        found = steps.between(item, shape)
        reshaped(steps, found, item)
        return found

    scaled = out if bias is None else steps.between(out)
    if weight is not None:
        steps.emit("Multiply", {"xs": [input, beside(weight)]}, scaled)
    if bias is not None:
        steps.emit("AddBroadcast", {"xs": [input if weight is None else scaled, beside(bias)]}, out)


def _normed_channels(
    steps: Steps, type: str, input: Any, out: Any, params: Mapping[str, Any], weight: Any, bias: Any
) -> None:
    """A norm with a scale and a shift of each channel, which the part holds where both are weights."""
    own = (weight is None) == (bias is None) and _all_weights(steps, weight, bias)
    params = {**params, "affine": own and weight is not None}
    if own:
        _layer(steps, type, input, out, params, weight=weight, bias=bias)
        return
    plain = steps.between(out)
    _layer(steps, type, input, plain, params)
    _scaled_channels(steps, out, plain, weight, bias)


@rule("instance_norm")
def instance_norm(steps: Steps, out: Any, *args: Any, **kwargs: Any) -> None:
    """Each channel of each sample normalised by itself; the order of arguments differs as that of ``batch_norm``."""
    assert steps.call is not None
    weights, statistics = ("weight", "bias"), ("running_mean", "running_var")
    middle = statistics + weights if steps.call.target.startswith("functional.") else weights + statistics
    given = dict(zip(("input", *middle, "use_input_stats", "momentum", "eps"), args, strict=False)) | kwargs
    input, weight, bias = (given.get(name) for name in ("input", *weights))
    shape = steps.value(input).shape
    if len(shape) != 4 or any(given.get(name) is not None for name in statistics):
        raise UnsupportedError("instance normalisation with statistics, or of what is no map")
    params = {"num_features": shape[1], "eps": given.get("eps", 1e-5)}
    _normed_channels(steps, "InstanceNorm2d", input, out, params, weight, bias)


@rule("layer_norm")
def layer_norm(
    steps: Steps,
    out: Any,
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    *_: Any,
    **__: Any,
) -> None:
    """Layer normalisation of the last axes."""
    sizes = normalized_shape if isinstance(normalized_shape, tuple) else (normalized_shape,)
    own = len(sizes) == 1 and _all_weights(steps, weight, bias) and (bias is None or weight is not None)
    params = {"normalized_shape": math.prod(sizes), "eps": eps, "elementwise_affine": own and weight is not None}
    params["bias"] = own and bias is not None
    if own:
        _layer(steps, "LayerNorm", input, out, params, weight=weight, bias=bias)
        return
    _over_axes(steps, "LayerNorm", input, out, params, len(sizes), weight, bias)


def _over_axes(
    steps: Steps, type: str, input: Any, out: Any, params: Mapping[str, Any], count: int, weight: Any, bias: Any
) -> None:
    """A norm of the last axes as one, then a scale and a shift; either may be None."""
    shape = steps.value(input).shape
    lead = shape[: len(shape) - count]
    parts = [item for item in (weight, bias) if item is not None]
    made = [steps.between(out) for _ in parts] if parts else []
    last = [*made[:-1], out] if made else []
    plain = steps.between(out) if parts else out
    if count > 1:
        flat, normed = (steps.between(input, (*lead, math.prod(shape[len(lead) :]))) for _ in range(2))
        steps.emit("Flatten", {"input": input}, flat, {"start_dim": -count, "end_dim": -1})
        steps.emit(type, {"input": flat}, normed, params)
        split = {"dim": -1, "unflattened_size": shape[len(lead) :]}
        steps.emit("Unflatten", {"input": normed}, plain, split)
    else:
        steps.emit(type, {"input": input}, plain, params)
    for item, target in zip(parts, last, strict=True):
        steps.emit("Multiply" if item is weight else "AddBroadcast", {"xs": [plain, item]}, target)
        plain = target


@rule("rms_norm")
def rms_norm(
    steps: Steps, out: Any, input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> None:
    """Division by the root mean square."""
    own = len(normalized_shape) == 1 and _all_weights(steps, weight)
    size = math.prod(normalized_shape)
    params = {"normalized_shape": size, "eps": eps, "elementwise_affine": own and weight is not None}
    if own:
        _layer(steps, "RMSNorm", input, out, params, weight=weight)
    else:
        _over_axes(steps, "RMSNorm", input, out, params, len(normalized_shape), weight, None)


@rule("group_norm")
def group_norm(
    steps: Steps,
    out: Any,
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    *_: Any,
) -> None:
    """Group normalisation."""
    params = {"num_groups": num_groups, "num_channels": steps.value(input).shape[1], "eps": eps}
    _normed_channels(steps, "GroupNorm", input, out, params, weight, bias)


@rule("bilinear")
def bilinear(steps: Steps, out: Any, input1: Any, input2: Any, weight: Any, bias: Any = None) -> None:
    """A product of two vectors with a matrix for each output."""
    product = steps.between(out) if bias is not None else out
    steps.emit("Einsum", {"xs": [input1, weight, input2]}, product, {"equation": "...i,oij,...j->...o"})
    if bias is not None:
        steps.emit("AddBroadcast", {"xs": [product, bias]}, out)


@rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def recurrent(
    steps: Steps,
    out: Any,
    input: Any,
    states: Any,
    weights: Any,
    has_biases: Any,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,
) -> None:
    """A recurrent layer as a function, its weights in the order of torch: layers, directions, input before state."""
    assert steps.call is not None
    kind, _, function = steps.call.name.partition("_")
    if not isinstance(has_biases, bool):
        raise UnsupportedError(f"{kind} of sequences of several lengths (packed)")
    states = states if isinstance(states, tuple) else (states,)
    given: list[Any] = [None if is_zero(steps, item) else item for item in states]
    layers = [
        f"_l{index}{end}" for index in range(num_layers) for end in (("", "_reverse") if bidirectional else ("",))
    ]
    each = len(weights) // len(layers)
    parts = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if has_biases else [])]
    parts += ["weight_hr"] if each > len(parts) else []
    names = weight_names(
        steps, *((f"{part}{layer}", weights[at * each + place]) for at, layer in enumerate(layers)
                 for place, part in enumerate(parts))
    )  # fmt: skip
    hidden = steps.value(weights[1]).shape
    params: dict[str, Any] = {
        "input_size": steps.value(weights[0]).shape[1],
        "hidden_size": steps.value(weights[0]).shape[0] // {"lstm": 4, "gru": 3, "rnn": 1}[kind],
        "num_layers": num_layers,
        "bias": has_biases,
        "dropout": float(dropout),
        "bidirectional": bidirectional,
    }
    params |= {"proj_size": hidden[1] if "weight_hr" in parts else 0} if kind == "lstm" else {}
    params |= {"nonlinearity": function} if kind == "rnn" else {}
    path = next(iter(names.values())).rpartition(".")[0]
    reads_recurrent(steps, out, input, given, batch_first, params, kind.upper(), names, path)


def is_zero(steps: Steps, item: Any) -> bool:
    """Whether a state is fixed, and zero."""
    data = steps.value(item).data
    return data is not None and steps.value(item).origin == "constant" and not bool(data.any())


def reads_recurrent(
    steps: Steps,
    out: Any,
    input: Any,
    states: Sequence[Any],
    batch_first: bool,
    params: Mapping[str, Any],
    type: str,
    names: Mapping[str, str],
    path: str,
) -> None:
    """A recurrent layer; what it gives is one tensor for all steps, and the states behind the last."""
    if len(steps.value(input).shape) != 3:
        raise UnsupportedError("a recurrent layer without a batch")
    result = out[0]
    if not batch_first:
        turned = [
            steps.between(item, [steps.value(item).shape[axis] for axis in (1, 0, 2)]) for item in (input, result)
        ]
        permuted(steps, turned[0], input, (1, 0, 2))
        input, result = turned
    ports = dict(zip(("hidden", "cell"), states, strict=False))
    hint = path.rpartition(".")[2]
    step = steps.emit(type, {"input": input, **ports}, result, params, weights=names, hint=hint, path=path)
    for port, state in zip(("hidden", "cell"), out[1:], strict=False):
        steps.places[steps.number(state)] = (step, port, None)
    if not batch_first:
        permuted(steps, out[0], result, (1, 0, 2))


@rule("embedding")
def embedding(steps: Steps, out: Any, first: Any, second: Any, padding_idx: Any = None, *_: Any, **__: Any) -> None:
    """A vector for each index; ``torch.embedding`` has the table first, ``F.embedding`` last."""
    table, index = (first, second) if steps.value(first).dtype.is_floating_point else (second, first)
    rows, columns = steps.value(table).shape
    if steps.weight(table) is None:
        steps.emit("Take", {"input": table, "index": index}, out, {"dim": 0})
        return
    params: dict[str, Any] = {"num_embeddings": rows, "embedding_dim": columns}
    if isinstance(padding_idx, int) and padding_idx >= 0:
        params["padding_idx"] = padding_idx
    _layer(steps, nn.Embedding.__name__, index, out, params, weight=table)


@rule("prelu")
def prelu(steps: Steps, out: Any, input: Any, weight: Any) -> None:
    """A rectifier with learned slopes."""
    _layer(steps, "PReLU", input, out, {"num_parameters": steps.value(weight).shape[0]}, weight=weight)


@rule("scaled_dot_product_attention")
def attention(
    steps: Steps,
    out: Any,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> None:
    """Attention."""
    if enable_gqa:
        heads = steps.value(query).shape[-3]
        key, value = (_repeated_heads(steps, item, heads) for item in (key, value))
    key, value = (_for_heads(steps, item, query) for item in (key, value))
    inputs = {"query": query, "key": key, "value": value, "mask": attn_mask}
    params = {"scale": scale, "dropout": dropout_p, "is_causal": is_causal}
    steps.emit("ScaledDotProductAttention", inputs, out, params, hint="attention")


def _repeated_heads(steps: Steps, item: Any, heads: int) -> V:
    """Keys or values that neighbouring heads share, once for each head."""
    own = steps.value(item).shape
    if own[-3] == heads:
        return V(steps.number(item))
    found = steps.between(item, (*own[:-3], heads, *own[-2:]))
    repeat_interleave(steps, found, item, heads // own[-3], -3)
    return found


def _for_heads(steps: Steps, item: Any, query: Any) -> V:
    """Keys or values that all heads share, stretched over the heads."""
    own, heads = steps.value(item).shape, steps.value(query).shape
    found: V = item
    if len(own) == len(heads) == 4 and own[1] == 1 and isinstance(heads[1], int) and heads[1] > 1:
        found = steps.between(item, (own[0], heads[1], *own[2:]))
        steps.emit("Expand", {"input": item, "like": None}, found, {"shape": (-1, heads[1], -1, -1)}, hint="expand")
    return found
