"""Operators on the meta device, without torch's kernels in Python.

Most operators of torch find their sizes on meta in Python, and the first of them imports torch's compiler
(``torch._dynamo``, sympy), which takes as long as the rest of torch. The operators that models are made of are answered
here instead, with the sizes, strides and types that torch gives. What is not answered here, and what is wrong, goes to
torch as it is: a rule that is missing costs time, never an answer.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["MetaMode"]

aten = torch.ops.aten


class MetaMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Answers operators on meta tensors, and counts floating-point operations as torch's ``FlopCounterMode`` does.

    Attributes:
        flops: Operations of everything that ran in it, on any device.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0
        self._formulas = FlopCounterMode(display=False).flop_registry

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False, since torch imports its compiler just to keep it out of ``__torch_dispatch__``."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """What one operator returns."""
        kwargs = kwargs or {}
        found = _answer(func, args, kwargs)
        if found is NotImplemented:
            found = func(*args, **kwargs)
        formula: Any = self._formulas.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=found)
        return found


def _answer(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What an operator returns on meta; ``NotImplemented`` where torch has to say it."""
    rule = _RULES.get(func)
    if rule is None and func not in _COMPARE and torch.Tag.pointwise not in func.tags:
        return NotImplemented
    tensors = list(_tensors((*args, *kwargs.values())))
    if not all(type(one) in (Tensor, Parameter) and one.is_meta and one.numel() for one in tensors):
        return NotImplemented
    if not tensors and torch.device(kwargs.get("device") or "cpu").type != "meta":
        return NotImplemented
    try:
        return _on_small_copies(func, tensors, args, kwargs) if rule is None else rule(*args, **kwargs)
    except Exception:  # noqa: BLE001 - torch finds it wrong too, in its own words
        return NotImplemented


def _on_small_copies(func: Any, tensors: Sequence[Tensor], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run an operator that only compares sizes on the CPU, on small tensors whose sizes compare in the same way."""
    pointwise = torch.Tag.pointwise in func.tags
    if not (_is_clear(tensors) if pointwise else func not in _CONTIGUOUS or all(map(_is_plain, tensors))):
        return NotImplemented
    sizes = sorted({size for one in tensors for size in one.shape} - {1})
    small = {1: 1} | {size: stand_in for stand_in, size in enumerate(sizes, 2)}
    large = {0: 0} | {stand_in: size for size, stand_in in small.items()}

    def copied(value: Any) -> Any:  # of ones, by which may be divided, or of zeros, which are indices
        return _mapped(value, lambda one: _copy(one, small, pointwise))

    given, named = [copied(arg) for arg in args], {name: copied(arg) for name, arg in kwargs.items()}
    if func is aten.native_layer_norm.default:
        given[1] = [small[size] for size in args[1]]
    found = func(*given, **named)
    if func._schema.is_mutable:
        return args[0] if found is given[0] else NotImplemented
    return _mapped(found, lambda one: _like(one, [large[size] for size in one.shape]))


def _is_plain(one: Tensor) -> bool:
    """Whether strides are those of a new tensor, where an axis is 1 long too."""
    return one.stride() == torch.empty(one.shape, device="meta").stride()


def _is_clear(tensors: Sequence[Tensor]) -> bool:
    """Whether it is clear in which order the axes of a pointwise result lie in memory."""
    several = [one for one in tensors if one.numel() > 1]
    if len(several) < 2 or all(_is_ordered([step for step in one.stride() if step]) for one in several):
        return True
    first, *others = several
    return 0 not in first.stride() and all(
        one.dim() <= first.dim()
        and all(size in (1, whole) for size, whole in zip(one.shape[::-1], first.shape[::-1], strict=False))
        for one in others
    )


def _is_ordered(steps: Sequence[int]) -> bool:
    return all(outer >= inner for outer, inner in pairwise(steps))


def _copy(one: Tensor, small: Mapping[int, int], value: bool) -> Tensor:
    """A tensor on the CPU with stand-ins for sizes, and strides in the same order.

    Raises:
        ValueError: Some of its numbers share a place in another way than by stride 0.
    """
    shape = [small[size] for size in one.shape]
    strides = [0] * one.dim()
    last, step = 0, 1
    for axis in _inner_first(one):
        size, stride = one.shape[axis], one.stride(axis)
        if size > 1 and 0 < stride <= last:
            raise ValueError
        if size == 1 or stride > 0:
            strides[axis] = step
            step *= shape[axis]
            last += stride * (size - 1)
    return torch.full((step,), value, dtype=one.dtype, device="cpu").as_strided(shape, strides)


def _like(one: Tensor, shape: Sequence[int]) -> Tensor:
    """A tensor on meta of another shape, with strides in the same order and no gaps."""
    if one.is_contiguous():
        return torch.empty(shape, dtype=one.dtype, device="meta")
    strides = [0] * one.dim()
    step = 1
    for axis in _inner_first(one):
        strides[axis] = step
        step *= shape[axis]
    return torch.empty_strided(shape, strides, dtype=one.dtype, device="meta")


def _inner_first(one: Tensor) -> list[int]:
    return sorted(range(one.dim()), key=lambda axis: (one.stride(axis), -axis))


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    return type(value)(_mapped(item, change) for item in value) if type(value) in (list, tuple) else value


def _empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def _agree(*tensors: Tensor) -> bool:
    """Whether tensors have one type, and none a memory format that torch would pass on."""
    return len({one.dtype for one in tensors}) == 1 and not any(map(_is_channels_last, tensors))


def _is_channels_last(one: Tensor) -> bool:
    """Whether torch takes it for channels last; it looks at strides alone, of axes that are 1 long too."""
    if one.dim() not in (4, 5):
        return False
    least = 0
    for axis in (1, *range(one.dim() - 1, 1, -1), 0):
        stride = one.stride(axis)
        if stride < least or stride == 0 or (axis == 0 and least == one.stride(1)):
            return False
        least = stride * one.shape[axis]
    return True


def _windows(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil: bool = False) -> int:
    """How many places a window has along an axis; with ``ceil`` the last may reach beyond it, but not begin there."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    last = -(-room // stride) if ceil else room // stride
    return last + (not (ceil and last * stride >= size + padding))


def _each(values: Sequence[int], count: int) -> list[int]:
    return [*values] * count if len(values) == 1 else [*values]


def _convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Any:
    first, second, *kernel = weight.shape
    taken, given = (first, second * groups) if transposed else (second * groups, first)
    options = [_each(values, len(kernel)) for values in (stride, padding, dilation, output_padding)]
    sizes = [
        (size - 1) * step - 2 * pad + spread * (width - 1) + more + 1
        if transposed
        else _windows(size, width, step, pad, spread)
        for size, width, step, pad, spread, more in zip(x.shape[2:], kernel, *options, strict=True)
    ]
    if x.shape[1] != taken or taken == 0 or first % groups or min(sizes) < 1:
        return NotImplemented
    return _empty((x.shape[0], given, *sizes), x.dtype)


def _max_pool(
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil: bool = False,
) -> Any:
    kernel, stride, padding, dilation = (_each(one, 2) for one in (kernel, stride or kernel, padding, dilation))
    sizes = list(map(_windows, x.shape[-2:], kernel, stride, padding, dilation, (ceil, ceil)))
    wide = any(2 * pad > size for pad, size in zip(padding, kernel, strict=True))
    if wide or not _agree(x) or min(*sizes, *dilation, *padding) < 0 or 0 in sizes or 0 in dilation:
        return NotImplemented
    shape = (*x.shape[:-2], *sizes)
    return _empty(shape, x.dtype), _empty(shape, torch.int64)


def _avg_pool(
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil: bool = False,
    *_: Any,
) -> Any:
    found = _max_pool(x, kernel, stride, padding, (1,), ceil)
    return found if found is NotImplemented else found[0]


def _resized(x: Tensor, size: Sequence[int], *_: Any) -> Any:
    return _empty((*x.shape[:-2], *size), x.dtype) if _agree(x) and x.dim() == 4 and min(size) > 0 else NotImplemented


def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    first = tensors[0]
    dim = range(first.dim())[dim]
    if not _agree(*tensors) or len({(*one.shape[:dim], *one.shape[dim + 1 :], one.dim()) for one in tensors}) > 1:
        return NotImplemented
    return _empty((*first.shape[:dim], sum(one.shape[dim] for one in tensors), *first.shape[dim + 1 :]), first.dtype)


def _stack(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    shape = tensors[0].shape
    dim = range(len(shape) + 1)[dim]
    joined = tensors if dim < len(shape) else [one.unsqueeze(dim) for one in tensors]
    if any(one.shape != shape for one in tensors) or not _agree(*joined):
        return NotImplemented
    return _empty((*shape[:dim], len(tensors), *shape[dim:]), tensors[0].dtype)


def _repeat(x: Tensor, times: Sequence[int]) -> Any:
    shape = (1,) * (len(times) - x.dim()) + tuple(x.shape)
    return _empty([size * count for size, count in zip(shape, times, strict=True)], x.dtype)


def _reflected(x: Tensor, pad: Sequence[int]) -> Any:
    left, right, top, bottom = pad
    *outer, height, width = x.shape
    if x.dim() != 4 or not _agree(x) or min(pad) < 0 or max(left, right) >= width or max(top, bottom) >= height:
        return NotImplemented
    return _empty((*outer, height + top + bottom, width + left + right), x.dtype)


def _unfolded(
    x: Tensor, kernel: Sequence[int], dilation: Sequence[int], padding: Sequence[int], stride: Sequence[int]
) -> Any:
    batch, channels, *sizes = x.shape
    places = list(map(_windows, sizes, kernel, stride, padding, dilation))
    if min(dilation) < 1 or min(*places, *kernel) < (1 if _is_plain(x) else 2):
        return NotImplemented
    return _empty((batch, channels * math.prod(kernel), math.prod(places)), x.dtype)


def _pixel_shuffle(x: Tensor, factor: int) -> Any:
    *batch, channels, height, width = x.shape
    if channels % factor**2 or not _agree(x):
        return NotImplemented
    return _empty((*batch, channels // factor**2, height * factor, width * factor), x.dtype)


def _index(x: Tensor, indices: Sequence[Tensor | None]) -> Any:
    if any(one is not None and one.dtype in (torch.bool, torch.uint8) for one in indices):
        return NotImplemented  # how much a mask chooses depends on its values
    func = aten.index.Tensor
    return _on_small_copies(func, [x, *(one for one in indices if one is not None)], (x, indices), {})


def _group_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    batch: int,
    channels: int,
    places: int,
    groups: int,
    eps: float,
) -> Any:
    given = [one for one in (weight, bias) if one is not None]
    sizes = (batch * channels * places, channels % groups, {one.shape for one in given} | {(channels,)})
    if sizes != (x.numel(), 0, {(channels,)}) or not _is_plain(x) or len({one.dtype for one in (x, *given)}) > 1:
        return NotImplemented
    if x.dtype not in (torch.float32, torch.float64):
        return NotImplemented
    return _empty(x.shape, x.dtype), *(_empty((batch, groups), x.dtype) for _ in range(2))


def _normal(x: Tensor, mean: float = 0, std: float = 1, *, generator: Any = None) -> Any:
    return x if x.is_floating_point() and std >= 0 else NotImplemented


def _uniform(x: Tensor, low: float = 0, high: float = 1, *, generator: Any = None) -> Any:
    return x if x.is_floating_point() and low <= high else NotImplemented


def _filled(x: Tensor, value: Any) -> Any:
    return x if x.is_floating_point() and type(value) in (int, float) else NotImplemented


def _random(size: Sequence[int], *, dtype: torch.dtype | None = None, **_: Any) -> Any:
    dtype = dtype or torch.get_default_dtype()
    return _empty(size, dtype) if dtype.is_floating_point else NotImplemented


def _random_integers(*bounds_and_size: Any, dtype: torch.dtype | None = None, **_: Any) -> Any:
    return _empty(bounds_and_size[-1], dtype or torch.int64)


def _range(*bounds: float, dtype: torch.dtype | None = None, **_: Any) -> Any:
    start, end, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    whole = all(isinstance(bound, int) for bound in bounds)
    dtype = dtype or (torch.int64 if whole else torch.get_default_dtype())
    count = (end - start) / step
    return _empty([math.ceil(count)], dtype) if count >= 0 and (whole or dtype.is_floating_point) else NotImplemented


_RULES: Mapping[Any, Callable[..., Any]] = {
    aten._adaptive_avg_pool2d.default: _resized,
    aten.arange.default: _range,
    aten.arange.start: _range,
    aten.arange.start_step: _range,
    aten.avg_pool2d.default: _avg_pool,
    aten.bernoulli.default: lambda x, **_: _empty(x.shape, x.dtype) if x.is_contiguous() else NotImplemented,
    aten.cat.default: _cat,
    aten.convolution.default: _convolution,
    aten.fill_.Scalar: _filled,
    aten.im2col.default: _unfolded,
    aten.index.Tensor: _index,
    aten.max_pool2d_with_indices.default: _max_pool,
    aten.native_group_norm.default: _group_norm,
    aten.normal_.default: _normal,
    aten.pixel_shuffle.default: _pixel_shuffle,
    aten.rand.default: _random,
    aten.randint.default: _random_integers,
    aten.randint.low: _random_integers,
    aten.randn.default: _random,
    aten.reflection_pad2d.default: _reflected,
    aten.repeat.default: _repeat,
    aten.stack.default: _stack,
    aten.uniform_.default: _uniform,
    aten.upsample_bicubic2d.default: _resized,
    aten.upsample_bilinear2d.default: _resized,
    aten.upsample_nearest2d.default: _resized,
    aten.zero_.default: lambda x: x,
}

# Operators of which every axis of the result is an axis of an input or 1 long; pointwise ones say so by their tag.
_COMPARE = {
    aten._log_softmax.default,
    aten._prelu_kernel.default,
    aten._safe_softmax.default,
    aten._softmax.default,
    aten.addmm.default,
    aten.all.dim,
    aten.amax.default,
    aten.amin.default,
    aten.any.dim,
    aten.argmax.default,
    aten.argmin.default,
    aten.baddbmm.default,
    aten.binary_cross_entropy_with_logits.default,
    aten.bmm.default,
    aten.cumsum.default,
    aten.embedding.default,
    aten.empty_like.default,
    aten.flip.default,
    aten.full_like.default,
    aten.gather.default,
    aten.hardswish.default,
    aten.index_select.default,
    aten.linalg_vector_norm.default,
    aten.max.dim,
    aten.mean.default,
    aten.mean.dim,
    aten.min.dim,
    aten.mm.default,
    aten.mse_loss.default,
    aten.native_batch_norm.default,
    aten.native_layer_norm.default,
    aten.nll_loss_forward.default,
    aten.ones_like.default,
    aten.prod.dim_int,
    aten.roll.default,
    aten.rot90.default,
    aten.scatter_add.default,
    aten.smooth_l1_loss.default,
    aten.sort.default,
    aten.sort.stable,
    aten.sum.dim_IntList,
    aten.var.correction,
    aten.zeros_like.default,
}

# Of these other memory formats are passed on in other ways on meta than on the CPU.
_CONTIGUOUS = {
    aten._prelu_kernel.default,
    aten.binary_cross_entropy_with_logits.default,
    aten.index.Tensor,
    aten.mse_loss.default,
    aten.native_batch_norm.default,
    aten.roll.default,
    aten.smooth_l1_loss.default,
}
