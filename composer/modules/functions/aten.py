"""Operations of ATen that torch's functions have under other names."""

import math
from collections.abc import Mapping
from typing import Any

from composer.modules.functions.arithmetic import sub
from composer.modules.functions.rules import axes_of, paired, rule
from composer.modules.functions.weighted import batch_norm, conv, conv_transpose2d, group_norm, layer_norm, weight_names
from composer.modules.steps import Steps, UnsupportedError


@rule("attention_layer")
def attention_layer(
    steps: Steps, out: Any, input: Any, num_heads: int, dropout: float, batch_first: bool, weights: Mapping[str, Any]
) -> None:
    """A whole module of self-attention."""
    shape = steps.value(input).shape
    names = weight_names(steps, *weights.items())
    path = names["in_proj_weight"].rpartition(".")[0]
    params = {
        "embed_dim": shape[2],
        "num_heads": num_heads,
        "dropout": dropout,
        "bias": "in_proj_bias" in names,
    }
    result, source = out, input
    if not batch_first:
        source = steps.between(input, (shape[1], shape[0], shape[2]))
        result = steps.between(input, (shape[1], shape[0], shape[2]))
        steps.emit("Permute", {"input": input}, source, {"dims": (1, 0, 2)}, hint="permute")
    hint = path.rpartition(".")[2]
    steps.emit("MultiheadAttention", {"query": source}, result, params, weights=names, hint=hint, path=path)
    if not batch_first:
        steps.emit("Permute", {"input": result}, out, {"dims": (1, 0, 2)}, hint="permute")


@rule("linalg_vector_norm", "norm")
def vector_norm(
    steps: Steps, out: Any, input: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *_: Any, **more: Any
) -> None:
    """A length along axes: Euclidean, the sum of sizes (order 1), or the largest or least size (infinite order)."""
    order = more.get("p", ord)
    squares = order in (2, None, "fro")
    if not squares and order not in (1, math.inf, -math.inf):
        raise UnsupportedError(f"a norm of the order {order}")
    sizes = steps.between(input)
    function = "square" if squares else "abs"
    steps.emit("Elementwise", {"input": input}, sizes, {"function": function}, hint=function)
    params = {"dim": paired(axes_of(steps, input, dim)), "keepdim": keepdim}
    if not squares:
        type = {1: "Sum", math.inf: "Max", -math.inf: "Min"}[order]
        steps.emit(type, {"input": sizes}, out, params, hint=type.lower())
        return
    summed = steps.between(out, steps.value(out).shape)
    steps.emit("Sum", {"input": sizes}, summed, params, hint="sum")
    steps.emit("Elementwise", {"input": summed}, out, {"function": "sqrt"}, hint="sqrt")


@rule("pairwise_distance")
def pairwise_distance(
    steps: Steps, out: Any, x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> None:
    """The length of the difference of vectors, to each of whose numbers ``eps`` is added."""
    shapes = [steps.value(item).shape for item in (x1, x2)]
    kept = list(steps.value(out).shape)
    difference = steps.between(out, [*(kept[:-1] if keepdim else kept), max(shape[-1] for shape in shapes)])
    sub(steps, difference, x1, x2)
    moved = steps.between(difference)
    steps.emit("Affine", {"input": difference}, moved, {"offset": float(eps)})
    vector_norm(steps, out, moved, p, -1, keepdim)


@rule("weight_norm", "_weight_norm", "_weight_norm_interface")
def weight_norm(steps: Steps, out: Any, v: Any, g: Any, dim: int = 0) -> None:
    """A weight of a direction and a length (arXiv:1602.07868): v g / |v|, the length over all axes but one."""
    out = out[0] if isinstance(out, list | tuple) else out
    shape = steps.value(v).shape
    kept = [] if dim == -1 else [dim % len(shape)]
    axes = tuple(axis for axis in range(len(shape)) if axis not in kept)
    length = steps.between(v, [size if axis in kept else 1 for axis, size in enumerate(shape)])
    vector_norm(steps, length, v, 2, axes, True)
    scale = steps.between(g)
    if steps.value(g).shape != steps.value(length).shape:
        raise UnsupportedError("weight normalisation with one length for all")
    steps.emit("Divide", {"input": g, "other": length}, scale)
    steps.emit("Multiply", {"xs": [v, scale]}, out)


@rule("drop_path")
def drop_path(steps: Steps, out: Any, input: Any, rate: float) -> None:
    """A branch that is left out at random."""
    steps.emit("DropPath", {"input": input}, out, {"drop_prob": float(rate)})


@rule("convolution")
def convolution(
    steps: Steps,
    out: Any,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> None:
    """A convolution of either kind."""
    if transposed:
        conv_transpose2d(steps, out, input, weight, bias, stride, padding, output_padding, groups, dilation)
    else:
        conv(steps, out, input, weight, bias, stride, padding, dilation, groups)


@rule("native_batch_norm_legit_no_training", "_native_batch_norm_legit_no_training")
def inference_batch_norm(
    steps: Steps, out: Any, input: Any, weight: Any, bias: Any, mean: Any, variance: Any, momentum: float, eps: float
) -> None:
    """Batch normalisation by its statistics."""
    batch_norm(steps, out[0], input, weight, bias, mean, variance, False, momentum, eps)


@rule("native_layer_norm")
def native_layer_norm(steps: Steps, out: Any, input: Any, shape: Any, weight: Any, bias: Any, eps: float) -> None:
    """Layer normalisation, without its statistics."""
    layer_norm(steps, out[0], input, shape, weight, bias, eps)


@rule("native_group_norm")
def native_group_norm(
    steps: Steps, out: Any, input: Any, weight: Any, bias: Any, n: Any, c: Any, hw: Any, group: int, eps: float
) -> None:
    """Group normalisation, without its statistics."""
    group_norm(steps, out[0], input, group, weight, bias, eps)
