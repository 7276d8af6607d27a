"""Arithmetic of tensors: sums, products, comparisons, reductions."""

from typing import Any

import torch

from composer.modules.functions.rules import RULES, Rule, axes_of, axis_of, listed, numbers, paired, rule
from composer.modules.functions.shape import expand, to_format
from composer.modules.functions.weighted import linear, turned_weight
from composer.modules.steps import Steps, UnsupportedError
from composer.modules.tape import Call, V, values_in

_COMPARISONS = {
    "eq": "equal_to", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"
}  # fmt: skip
_UNARY = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp", "exp2", "expm1",
    "floor", "isnan", "log", "log10", "log1p", "log2", "logsigmoid", "reciprocal", "round", "rsqrt", "selu", "sign",
    "sin", "sinh", "softsign", "sqrt", "square", "tan", "tanhshrink", "trunc",
)  # fmt: skip
_OTHER_NAMES = {"log_sigmoid": "logsigmoid", "fix": "trunc", "absolute": "abs", "arctan": "atan", "arcsin": "asin",
                "arccos": "acos"}  # fmt: skip
_LOGIC = {f"{prefix}{name}{end}": f"logical_{name}" for name in ("and", "or", "xor")
          for prefix, end in (("", ""), ("__", "__"), ("bitwise_", ""), ("logical_", ""))}  # fmt: skip


@rule("add")
def plus(steps: Steps, out: Any, input: Any, other: Any, alpha: float = 1) -> None:
    """A sum; of a tensor and a number an ``Affine``."""
    if numbers(input):
        input, other = other, input
    if numbers(other):
        steps.emit("Affine", {"input": input}, out, {"offset": float(other * alpha)})
        return
    if alpha != 1:
        scaled = steps.between(other)
        steps.emit("Affine", {"input": other}, scaled, {"factor": float(alpha)})
        other = scaled
    shapes = {steps.value(item).shape for item in (input, other)}
    steps.emit("Add" if len(shapes) == 1 else "AddBroadcast", {"xs": [input, other]}, out)


@rule("sub", "subtract")
def sub(steps: Steps, out: Any, input: Any, other: Any, alpha: float = 1) -> None:
    """A difference."""
    if numbers(other):
        steps.emit("Affine", {"input": input}, out, {"offset": -float(other * alpha)})
    elif numbers(input):
        steps.emit("Affine", {"input": other}, out, {"factor": -float(alpha), "offset": float(input)})
    elif alpha == 1 and steps.value(input).shape == steps.value(other).shape:
        steps.emit("Subtract", {"input": input, "other": other}, out)
    else:
        negative = steps.between(other)
        steps.emit("Affine", {"input": other}, negative, {"factor": -float(alpha)})
        steps.emit("AddBroadcast", {"xs": [input, negative]}, out)


@rule("rsub")
def rsub(steps: Steps, out: Any, input: Any, other: Any, alpha: float = 1) -> None:
    """The difference the other way round."""
    sub(steps, out, other, input, alpha)


@rule("mul", "multiply")
def mul(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """A product."""
    if numbers(input):
        input, other = other, input
    if numbers(other):
        steps.emit("Affine", {"input": input}, out, {"factor": float(other)})
    else:
        steps.emit("Multiply", {"xs": [input, other]}, out)


@rule("addcmul")
def addcmul(steps: Steps, out: Any, input: Any, tensor1: Any, tensor2: Any, value: float = 1) -> None:
    """A sum with a product."""
    product = steps.between(out)
    if value == 1:
        mul(steps, product, tensor1, tensor2)
    else:
        whole = steps.between(out)
        mul(steps, whole, tensor1, tensor2)
        mul(steps, product, whole, value)
    steps.emit("AddBroadcast", {"xs": [input, product]}, out)


@rule("div", "true_divide", "divide")
def div(steps: Steps, out: Any, input: Any, other: Any, rounding_mode: str | None = None) -> None:
    """A quotient."""
    if rounding_mode == "floor":
        _of_two(steps, out, input, other, "floor_divide")
    elif rounding_mode is not None:
        quotient = steps.between(out, dtype=torch.float32)
        div(steps, quotient, input, other)
        rounded = steps.between(quotient)
        steps.emit("Elementwise", {"input": quotient}, rounded, {"function": "trunc"})
        to_format(steps, out, rounded)
    elif numbers(other):
        steps.emit("Affine", {"input": input}, out, {"factor": 1 / float(other)})
    elif numbers(input):
        inverse = steps.between(other)
        steps.emit("Elementwise", {"input": other}, inverse, {"function": "reciprocal"})
        steps.emit("Affine", {"input": inverse}, out, {"factor": float(input)})
    else:
        steps.emit("Divide", {"input": input, "other": other}, out)


@rule("rdiv")
def rdiv(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """The quotient the other way round."""
    div(steps, out, other, input)


@rule("neg", "negative")
def neg(steps: Steps, out: Any, input: Any) -> None:
    """The negative."""
    steps.emit("Affine", {"input": input}, out, {"factor": -1.0})


@rule("pow")
def power(steps: Steps, out: Any, input: Any, exponent: Any) -> None:
    """A power."""
    if numbers(exponent) and isinstance(input, V):
        steps.emit("Power", {"input": input}, out, {"exponent": float(exponent)})
    else:
        _of_two(steps, out, input, exponent, "pow")


@rule("rpow")
def rpow(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """The power the other way round."""
    power(steps, out, other, input)


def _of_two(steps: Steps, out: Any, input: Any, other: Any, function: str) -> None:
    """A function of two tensors, or of a tensor and a number."""
    pair = {"input": steps.tensor(input), "other": steps.tensor(other)}
    steps.emit("Pairwise", pair, out, {"function": function}, hint=function)


@rule("atan2", "arctan2", "fmod", "remainder", "floor_divide", "floordiv", "mod", *_LOGIC)
def of_two(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """A function of two tensors."""
    assert steps.call is not None
    name = steps.call.name
    if name in _LOGIC and not name.startswith("logical") and steps.value(out).dtype != torch.bool:
        raise UnsupportedError(f"{name} of the bits of whole numbers")
    others = {"floordiv": "floor_divide", "mod": "remainder", "arctan2": "atan2"}
    _of_two(steps, out, input, other, _LOGIC.get(name, others.get(name, name)))


@rule("rfloordiv", "rmod", "rfloor_divide", "rremainder")
def of_two_reversed(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """The same the other way round."""
    assert steps.call is not None
    _of_two(steps, out, other, input, "floor_divide" if "div" in steps.call.name else "remainder")


@rule("logical_not", "bitwise_not")
def logical_not(steps: Steps, out: Any, input: Any) -> None:
    """True for false."""
    if steps.value(out).dtype != torch.bool:
        raise UnsupportedError("the bits of whole numbers turned over")
    steps.emit("Elementwise", {"input": input}, out, {"function": "logical_not"})


@rule("lerp")
def lerp(steps: Steps, out: Any, input: Any, end: Any, weight: Any) -> None:
    """A mixture: input + weight (end - input)."""
    apart, part = steps.between(out), steps.between(out)
    sub(steps, apart, end, input)
    mul(steps, part, apart, weight)
    plus(steps, out, input, part)


@rule("addcdiv")
def addcdiv(steps: Steps, out: Any, input: Any, tensor1: Any, tensor2: Any, value: float = 1) -> None:
    """A sum with a quotient."""
    quotient = steps.between(out)
    div(steps, quotient, tensor1, tensor2)
    steps.emit("AddBroadcast", {"xs": [input, _times(steps, quotient, value)]}, out)


def _times(steps: Steps, item: Any, factor: Any) -> Any:
    """A tensor times a number, where that is not 1."""
    if factor == 1:
        return item
    found = steps.between(item)
    mul(steps, found, item, factor)
    return found


@rule("softshrink")
def softshrink(steps: Steps, out: Any, input: Any, lambd: float = 0.5) -> None:
    """What is left of a number outside of bounds."""
    inside = steps.between(input)
    clamp(steps, inside, input, -lambd, lambd)
    sub(steps, out, input, inside)


@rule("hardshrink")
def hardshrink(steps: Steps, out: Any, input: Any, lambd: float = 0.5) -> None:
    """Zeros within bounds."""
    size, mask = steps.between(input), steps.between(input, dtype=torch.bool)
    steps.emit("Elementwise", {"input": input}, size, {"function": "abs"})
    steps.emit("Compare", {"input": size}, mask, {"function": "le", "value": float(lambd)})
    steps.emit("MaskedFill", {"input": input, "mask": mask}, out, {"value": 0.0})


@rule("threshold")
def threshold(steps: Steps, out: Any, input: Any, threshold: float, value: float, inplace: bool = False) -> None:
    """A number in the place of all that are not above a threshold."""
    mask = steps.between(input, dtype=torch.bool)
    steps.emit("Compare", {"input": input}, mask, {"function": "le", "value": float(threshold)})
    steps.emit("MaskedFill", {"input": input, "mask": mask}, out, {"value": float(value)})


@rule("celu")
def celu(steps: Steps, out: Any, input: Any, alpha: float = 1.0, inplace: bool = False) -> None:
    """An ELU whose slope has no step: that of x / alpha, times alpha."""
    shrunk, made = steps.between(input), steps.between(input)
    if alpha <= 0:
        raise UnsupportedError("celu with an alpha that is not above 0")
    if alpha == 1:
        steps.emit("ELU", {"input": input}, out)
        return
    div(steps, shrunk, input, alpha)
    steps.emit("ELU", {"input": shrunk}, made)
    mul(steps, out, made, alpha)


@rule("glu")
def glu(steps: Steps, out: Any, input: Any, dim: int = -1) -> None:
    """One half of the channels, with the sigmoid of the other as a gate."""
    halves = [steps.between(out), steps.between(out)]
    steps.emit("Chunk", {"input": input}, halves, {"chunks": 2, "dim": axis_of(steps, input, dim)})
    gate = steps.between(out)
    steps.emit("Sigmoid", {"input": halves[1]}, gate)
    steps.emit("Multiply", {"xs": [halves[0], gate]}, out)


def _unary(name: str) -> Rule:
    def made(steps: Steps, out: Any, input: Any, *, inplace: bool = False) -> None:
        steps.emit("Elementwise", {"input": input}, out, {"function": name})

    return made


for _name in _UNARY:
    RULES[_name] = _unary(_name)
for _name, _same in _OTHER_NAMES.items():
    RULES[_name] = _unary(_same)


def _comparison(name: str) -> Rule:
    def made(steps: Steps, out: Any, input: Any, other: Any) -> None:
        if numbers(other):
            steps.emit("Compare", {"input": input}, out, {"function": name, "value": float(other)})
        else:
            _of_two(steps, out, input, other, name)

    return made


for _name, _long in _COMPARISONS.items():
    RULES[_name] = RULES[_long] = _comparison(_name)


@rule("clamp", "clip")
def clamp(steps: Steps, out: Any, input: Any, min: Any = None, max: Any = None) -> None:
    """Bounds."""
    if isinstance(min, V) or isinstance(max, V):
        lower = out if max is None else steps.between(out)
        if min is not None:
            steps.emit("Maximum", {"input": input, "other": steps.tensor(min)}, lower)
            input = lower
        if max is not None:
            steps.emit("Minimum", {"input": input, "other": steps.tensor(max)}, out)
        return
    bounds = {"min": min, "max": max}
    steps.emit(
        "Clamp", {"input": input}, out, {key: None if item is None else float(item) for key, item in bounds.items()}
    )


@rule("clamp_min")
def clamp_min(steps: Steps, out: Any, input: Any, min: Any) -> None:
    """A lower bound."""
    clamp(steps, out, input, min)


@rule("clamp_max")
def clamp_max(steps: Steps, out: Any, input: Any, max: Any) -> None:
    """An upper bound."""
    clamp(steps, out, input, None, max)


@rule("maximum", "minimum")
def extremum(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """The larger or smaller of two."""
    assert steps.call is not None
    steps.emit(steps.call.name.capitalize(), {"input": input, "other": other}, out)


@rule("where")
def where(steps: Steps, out: Any, condition: Any, input: Any, other: Any) -> None:
    """One of two by a condition."""
    alike = isinstance(other, V) and (steps.value(other).shape, steps.value(other).dtype) == (
        steps.value(out).shape,
        steps.value(out).dtype,
    )
    if numbers(input) and alike:
        steps.emit("MaskedFill", {"input": other, "mask": condition}, out, {"value": float(input)})
        return
    pair = {"input": steps.tensor(input), "other": steps.tensor(other)}
    steps.emit("Where", {"condition": condition, **pair}, out)


@rule("masked_fill")
def masked_fill(steps: Steps, out: Any, input: Any, mask: Any, value: Any) -> None:
    """A value where a mask is true."""
    if isinstance(value, V):
        data = steps.value(value).data
        if data is None or data.numel() != 1:
            raise UnsupportedError("a fill value that a tensor holds")
        value = data.item()
    if steps.value(out).shape != steps.value(input).shape:  # the mask is larger
        whole = steps.between(out)
        expand(steps, whole, input)
        input = whole
    steps.emit("MaskedFill", {"input": input, "mask": mask}, out, {"value": float(value)})


@rule("matmul", "bmm", "mm")
def matmul(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """A matrix product."""
    ranks = [len(steps.value(item).shape) for item in (input, other)]
    if min(ranks) < 2:
        _with_vector(steps, out, input, other, ranks)
        return
    turned = turned_weight(steps, other)
    if turned is not None:
        linear(steps, out, input, turned)
        return
    steps.emit("MatMul", {"input": input, "other": other}, out, hint="matmul")


def _with_vector(steps: Steps, out: Any, input: Any, other: Any, ranks: list[int]) -> None:
    """A product with a vector, which is a row in front of a matrix and a column behind one."""
    shapes = [steps.value(item).shape for item in (input, other)]
    if ranks[0] == 1:
        input = _unsqueezed(steps, input, 0)
    if ranks[1] == 1:
        other = _unsqueezed(steps, other, 1)
    lead = shapes[1][:-2] if ranks[0] == 1 else shapes[0][:-1]
    product = steps.between(out, (*lead, *((1,) if ranks[0] == 1 else ()), 1 if ranks[1] == 1 else shapes[1][-1]))
    steps.emit("MatMul", {"input": input, "other": other}, product, hint="matmul")
    if ranks == [1, 1]:
        rest = steps.between(out, (1,))
        steps.emit("Squeeze", {"input": product}, rest, {"dim": 1})
        steps.emit("Squeeze", {"input": rest}, out, {"dim": 0})
    else:
        steps.emit("Squeeze", {"input": product}, out, {"dim": -2 if ranks[0] == 1 else -1})


def _unsqueezed(steps: Steps, item: Any, dim: int) -> V:
    shape = list(steps.value(item).shape)
    shape.insert(dim, 1)
    found = steps.between(item, shape)
    steps.emit("Unsqueeze", {"input": item}, found, {"dim": dim})
    return found


@rule("mv", "dot", "vdot", "inner")
def product_with_vector(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """A product with a vector."""
    if len(steps.value(other).shape) > 1:
        raise UnsupportedError("an inner product of matrices")
    matmul(steps, out, input, other)


@rule("outer", "ger")
def outer(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """All products of the numbers of two vectors."""
    steps.emit("Multiply", {"xs": [_unsqueezed(steps, input, 1), _unsqueezed(steps, other, 0)]}, out)


@rule("baddbmm", "addbmm")
def baddbmm(steps: Steps, out: Any, input: Any, batch1: Any, batch2: Any, beta: Any = 1, alpha: Any = 1) -> None:
    """A product of matrices, sample by sample, and what is added."""
    assert steps.call is not None
    if steps.call.name == "addbmm":
        raise UnsupportedError("a sum of products over the samples of the batch")
    product = steps.between(out)
    steps.emit("MatMul", {"input": batch1, "other": batch2}, product)
    steps.emit("AddBroadcast", {"xs": [_times(steps, input, beta), _times(steps, product, alpha)]}, out)


@rule("tril", "triu")
def triangle(steps: Steps, out: Any, input: Any, diagonal: int = 0) -> None:
    """Zeros above a diagonal, or below it."""
    assert steps.call is not None
    rows, columns = steps.value(input).shape[-2:]
    if not numbers(rows, columns):
        raise UnsupportedError("a triangle of a matrix whose size changes with the batch")
    part = torch.ones(rows, columns, dtype=torch.bool)
    kept = part.tril(diagonal) if steps.call.name == "tril" else part.triu(diagonal)
    steps.emit("MaskedFill", {"input": input, "mask": steps.constant(~kept)}, out, {"value": 0.0})


@rule("cosine_similarity")
def cosine_similarity(steps: Steps, out: Any, x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> None:
    """Cosine of the angle of vectors along an axis."""
    shape = list(steps.value(out).shape)
    axis = dim % (len(shape) + 1)
    behind = axis - len(shape) - 1
    size, other = (steps.value(item).shape[behind] for item in (x1, x2))
    if size != other:
        raise UnsupportedError("a cosine along an axis that is stretched")
    shape.insert(axis, size)
    pair = [steps.between(x1), steps.between(x2)]
    for item, unit in zip((x1, x2), pair, strict=True):
        steps.emit("Normalize", {"input": item}, unit, {"dim": behind, "p": 2.0, "eps": eps})
    product = steps.between(out, shape)
    steps.emit("Multiply", {"xs": pair}, product)
    steps.emit("Sum", {"input": product}, out, {"dim": behind, "keepdim": False})


@rule("rmatmul")
def rmatmul(steps: Steps, out: Any, input: Any, other: Any) -> None:
    """A matrix product the other way round."""
    matmul(steps, out, other, input)


@rule("einsum")
def einsum(steps: Steps, out: Any, equation: str, *operands: Any, path: Any = None) -> None:
    """An Einstein sum."""
    steps.emit("Einsum", {"xs": list(listed(operands))}, out, {"equation": equation})


@rule("mean", "sum")
def reduction(steps: Steps, out: Any, input: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> None:
    """A mean or a sum over axes."""
    assert steps.call is not None
    if steps.value(input).dtype == torch.bool or dtype not in (None, steps.value(input).dtype):
        whole = steps.between(input, dtype=steps.value(out).dtype)
        to_format(steps, whole, input)
        input = whole
    params = {"dim": paired(axes_of(steps, input, dim)), "keepdim": keepdim}
    steps.emit(steps.call.name.capitalize(), {"input": input}, out, params)


@rule("amax", "amin", "logsumexp")
def over_axes(steps: Steps, out: Any, input: Any, dim: Any = None, keepdim: bool = False) -> None:
    """The largest, the smallest, or a smooth maximum over axes."""
    assert steps.call is not None
    type = {"a": steps.call.name[1:].capitalize(), "l": "LogSumExp"}[steps.call.name[0]]
    steps.emit(type, {"input": input}, out, {"dim": paired(axes_of(steps, input, dim)), "keepdim": keepdim})


@rule("max", "min")
def extreme(steps: Steps, out: Any, input: Any, dim: Any = None, keepdim: bool = False) -> None:
    """The largest or smallest along an axis, and its place."""
    assert steps.call is not None
    type = steps.call.name.capitalize()
    if isinstance(dim, V):
        steps.emit(f"{type}imum", {"input": input, "other": dim}, out)
        return
    if not isinstance(out, list | tuple):
        steps.emit(type, {"input": input}, out, {"dim": paired(axes_of(steps, input, dim)), "keepdim": keepdim})
        return
    axis = axis_of(steps, input, dim)
    steps.emit(type, {"input": input}, out[0], {"dim": axis, "keepdim": keepdim})
    if is_read(steps, out[1]):
        place(steps, out[1], input, axis, keepdim, smallest=type == "Min")


@rule("argmax", "argmin")
def argument(steps: Steps, out: Any, input: Any, dim: Any = None, keepdim: bool = False) -> None:
    """The place of the largest or smallest along an axis."""
    assert steps.call is not None
    if dim is None:
        raise UnsupportedError("the place of the largest of all numbers of a tensor: name an axis")
    place(steps, out, input, axis_of(steps, input, dim), keepdim, smallest=steps.call.name == "argmin")


def place(steps: Steps, out: Any, input: Any, axis: int, keepdim: bool, *, smallest: bool) -> None:
    """The place of the largest or smallest along an axis."""
    if smallest:
        turned = steps.between(input)
        neg(steps, turned, input)
        input = turned
    steps.emit("ArgMax", {"input": input}, out, {"dim": axis, "keepdim": keepdim})


@rule("topk", "sort")
def topk(steps: Steps, out: Any, input: Any, *args: Any, **kwargs: Any) -> None:
    """The largest entries of an axis in their order, and where they stand."""
    assert steps.call is not None
    names = ("k", "dim", "largest", "sorted") if steps.call.name == "topk" else ("dim", "descending")
    given = dict(zip(names, args, strict=False)) | kwargs
    axis = axis_of(steps, input, given.get("dim", -1))
    size = steps.value(input).shape[axis]
    if steps.call.name == "sort" and (given.get("stable") or not isinstance(size, int)):
        raise UnsupportedError("a stable sort, or one along the batch")
    largest = given.get("largest", True) if steps.call.name == "topk" else given.get("descending", False)
    step = steps.emit("TopK", {"input": input}, out[0], {"k": given.get("k", size), "dim": axis, "largest": largest})
    steps.places[steps.number(out[0])] = (step, "values", None)
    steps.places[steps.number(out[1])] = (step, "indices", None)


@rule("cumsum")
def cumsum(steps: Steps, out: Any, input: Any, dim: int, *, dtype: Any = None) -> None:
    """Running sums along an axis."""
    if steps.value(input).dtype != steps.value(out).dtype:
        whole = steps.between(input, dtype=steps.value(out).dtype)
        to_format(steps, whole, input)
        input = whole
    steps.emit("CumulativeSum", {"input": input}, out, {"dim": axis_of(steps, input, dim)})


@rule("var", "std")
def variance(
    steps: Steps, out: Any, input: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, **more: Any
) -> None:
    """Variance, or its root."""
    assert steps.call is not None
    correction = more.pop("correction", None)
    correction = int(unbiased) if correction is None else int(correction)
    params = {"dim": paired(axes_of(steps, input, dim)), "keepdim": keepdim, "correction": correction}
    if steps.call.name == "var":
        steps.emit("Variance", {"input": input}, out, params)
        return
    squared = steps.between(out)
    steps.emit("Variance", {"input": input}, squared, params)
    steps.emit("Elementwise", {"input": squared}, out, {"function": "sqrt"})


def is_read(steps: Steps, item: Any) -> bool:
    """Whether any call reads a tensor, or the module returns it."""
    return isinstance(item, V) and (
        item in steps.tape.outputs.values() or any(item == one for call in steps.tape.calls for one in _tensors(call))
    )


def _tensors(call: Call) -> list[V]:
    return [*values_in(call.args), *values_in(call.kwargs)]
