"""What gives a tensor another shape or order."""

import math
from collections.abc import Callable
from typing import Any

import torch

from composer.modules.functions.rules import listed, paired, rule
from composer.modules.steps import Steps, UnsupportedError
from composer.modules.tape import V, Varying

_SAME = (
    "contiguous", "clone", "alias", "data", "lift", "lift_fresh", "lift_fresh_copy", "identity", "native_dropout_off",
    "cpu", "cuda", "as_subclass", "resolve_conj", "resolve_neg", "_assert_tensor_metadata", "detach",
)  # fmt: skip


@rule(*_SAME)
def same(steps: Steps, out: Any, input: Any, *_: Any, **__: Any) -> None:
    """What only moves or copies numbers."""
    assert steps.call is not None
    if steps.call.name == "detach":
        steps.emit("Detach", {"input": input}, out)
    else:
        steps.alias(out, input)


@rule("to", "type", "type_as", "float", "half", "double", "long", "int", "bool", "bfloat16", "_to_copy")
def to(steps: Steps, out: Any, input: Any, *_: Any, **__: Any) -> None:
    """Another number format, or the same."""
    to_format(steps, out, input)


def to_format(steps: Steps, out: Any, input: Any) -> None:
    """The same numbers in the format of what comes out."""
    dtype = steps.value(out).dtype
    if dtype == steps.value(input).dtype:
        steps.alias(out, input)
    else:
        steps.emit("Cast", {"input": input}, out, {"dtype": str(dtype).removeprefix("torch.")}, hint="cast")


@rule(
    "view", "reshape", "flatten", "unflatten", "view_as", "reshape_as", "squeeze", "unsqueeze", "_unsafe_view", "ravel"
)
def reshape(steps: Steps, out: Any, input: Any, *args: Any, **kwargs: Any) -> None:
    """The same numbers in other axes."""
    assert steps.call is not None
    name = steps.call.name
    if name == "view" and any(isinstance(item, torch.dtype) for item in args):
        raise UnsupportedError("a view of the bytes as other numbers")
    before, after = steps.value(input).shape, steps.value(out).shape
    if before == after:
        steps.alias(out, input)
        return
    if name == "unsqueeze":
        dim = kwargs.get("dim", args[0] if args else 0)
        steps.emit("Unsqueeze", {"input": input}, out, {"dim": dim})
        return
    if name == "squeeze" and len(before) == len(after) + 1 and (args or kwargs):
        dim = kwargs.get("dim", args[0] if args else 0)
        steps.emit("Squeeze", {"input": input}, out, {"dim": dim[0] if isinstance(dim, tuple) else dim})
        return
    reshaped(steps, out, input)


def reshaped(steps: Steps, out: Any, input: Any) -> None:
    """A ``Flatten`` where axes are joined, else a ``Reshape``."""
    before, after = steps.value(input).shape, steps.value(out).shape
    joined = _joined(before, after)
    if joined is not None:
        start, end = joined
        params: dict[str, Any] = {"start_dim": start, "end_dim": -1 if end == len(before) - 1 else end}
        steps.emit("Flatten", {"input": input}, out, params)
        return
    moving = [index for index, size in enumerate(after) if isinstance(size, Varying)]
    if before and after and before[0] == after[0] and len(after) > 1 and moving in ([], [0]):
        steps.emit("Reshape", {"input": input}, out, {"shape": after[1:]})
        return
    if len(moving) > 1:
        raise UnsupportedError("two sizes that change with the batch")
    if not after:
        raise UnsupportedError("a single number of a tensor")
    shape = tuple(-1 if isinstance(size, Varying) else size for size in after)
    steps.emit("Reshape", {"input": input}, out, {"shape": shape, "keep_batch": False})


def _joined(before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[int, int] | None:
    """The axes that become one, where neighbouring axes do and no other changes; the first axis, a batch, is kept."""
    gone = len(before) - len(after)
    if gone < 1:
        return None
    for start in range(min(1, len(after) - 1), len(after)):
        end = start + gone
        if before[:start] == after[:start] and before[end + 1 :] == after[start + 1 :]:
            inside = before[start : end + 1]
            if all(isinstance(size, int) for size in (*inside, after[start])) and math.prod(inside) == after[start]:
                return start, end
    return None


@rule("permute")
def permute(steps: Steps, out: Any, input: Any, *dims: Any, **kwargs: Any) -> None:
    """Axes in another order."""
    order = listed(dims) if dims else tuple(kwargs["dims"])
    permuted(steps, out, input, tuple(dim % len(order) for dim in order))


def permuted(steps: Steps, out: Any, input: Any, order: tuple[int, ...]) -> None:
    """Axes in another order, all of them named."""
    if order == tuple(range(len(order))):
        steps.alias(out, input)
    else:
        steps.emit("Permute", {"input": input}, out, {"dims": order}, hint="permute")


@rule("transpose", "swapaxes", "swapdims")
def transpose(steps: Steps, out: Any, input: Any, dim0: int, dim1: int) -> None:
    """Two axes swapped."""
    order = list(range(len(steps.value(input).shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    permuted(steps, out, input, tuple(order))


@rule("t", "T", "numpy_T", "mT", "adjoint")
def transposed(steps: Steps, out: Any, input: Any) -> None:
    """A matrix turned over."""
    assert steps.call is not None
    rank = len(steps.value(input).shape)
    order = list(range(rank))
    if steps.call.name in ("T", "numpy_T"):
        order.reverse()
    elif rank > 1:
        order[-2], order[-1] = order[-1], order[-2]
    permuted(steps, out, input, tuple(order))


@rule("movedim", "moveaxis")
def movedim(steps: Steps, out: Any, input: Any, source: Any, destination: Any) -> None:
    """Axes moved to other places."""
    rank = len(steps.value(input).shape)
    from_, to_ = (
        tuple(one % rank for one in (item if isinstance(item, tuple) else (item,))) for item in (source, destination)
    )
    rest = iter(axis for axis in range(rank) if axis not in from_)
    placed = dict(zip(to_, from_, strict=True))
    permuted(steps, out, input, tuple(placed[axis] if axis in placed else next(rest) for axis in range(rank)))


@rule("expand", "expand_as", "broadcast_to")
def expand(steps: Steps, out: Any, input: Any, *_: Any, **__: Any) -> None:
    """Axes stretched."""
    before, after = steps.value(input).shape, steps.value(out).shape
    if before == after:
        steps.alias(out, input)
        return
    aligned = (*([None] * (len(after) - len(before))), *before)
    sizes = [-1 if old == new else new for old, new in zip(aligned, after, strict=True)]
    like = None
    if isinstance(sizes[0], Varying):
        like, sizes[0] = steps.batch_of(sizes[0]), -1
    steps.emit("Expand", {"input": input, "like": like}, out, {"shape": sizes}, hint="expand")


@rule("repeat", "tile")
def repeat(steps: Steps, out: Any, input: Any, *repeats: Any, **kwargs: Any) -> None:
    """Copies side by side; along an axis of size 1 they are stretched."""
    times = listed(repeats) if repeats else tuple(kwargs.get("repeats") or kwargs["dims"])
    before, after = steps.value(input).shape, steps.value(out).shape
    times = (*(1 for _ in before[len(times) :]), *times)  # tile takes fewer than there are axes
    if len(before) == len(after) and all(old == 1 or old == new for old, new in zip(before, after, strict=True)):
        expand(steps, out, input)
    else:
        steps.emit("Repeat", {"input": input}, out, {"repeats": times})


@rule("repeat_interleave")
def repeat_interleave(
    steps: Steps, out: Any, input: Any, repeats: Any, dim: int | None = None, *, output_size: Any = None
) -> None:
    """Every entry of an axis several times in a row."""
    if dim is None:
        raise UnsupportedError("all numbers of a tensor several times in a row: name an axis")
    shape = steps.value(input).shape
    axis = dim % len(shape)
    if isinstance(repeats, V):
        taken_at(steps, out, input, axis, lambda entries: entries.repeat_interleave(_known(steps, repeats)))
        return
    between = (*shape[: axis + 1], repeats, *shape[axis + 1 :])
    apart, stretched = steps.between(input, (*shape[: axis + 1], 1, *shape[axis + 1 :])), steps.between(input, between)
    steps.emit("Unsqueeze", {"input": input}, apart, {"dim": axis + 1})
    sizes = [repeats if place == axis + 1 else -1 for place in range(len(between))]
    steps.emit("Expand", {"input": apart, "like": None}, stretched, {"shape": sizes}, hint="expand")
    steps.emit("Flatten", {"input": stretched}, out, {"start_dim": axis, "end_dim": axis + 1})


def _known(steps: Steps, item: Any) -> torch.Tensor:
    """The numbers of a constant.

    Raises:
        UnsupportedError: It is none.
    """
    value = steps.value(item)
    if value.data is None or value.origin == "buffer":
        raise UnsupportedError("an axis whose size follows from numbers that a tensor holds")
    return value.data


def taken_at(steps: Steps, out: Any, input: Any, axis: int, order: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Entries of an axis of known size, by what a function makes of their numbers."""
    size = steps.value(input).shape[axis]
    if not isinstance(size, int):
        raise UnsupportedError("entries of the batch by their numbers")
    index = steps.constant(order(torch.arange(size)))
    steps.emit("Take", {"input": input, "index": index}, out, {"dim": axis}, hint="take")


@rule("unfold")
def unfold(steps: Steps, out: Any, input: Any, *args: Any, **kwargs: Any) -> None:
    """Windows of a map as columns (``F.unfold``), or stretches of an axis side by side (``Tensor.unfold``)."""
    assert steps.call is not None
    if steps.call.target.startswith("functional."):
        im2col(steps, out, input, *args, **kwargs)
        return
    dimension, size, step = (dict(zip(("dimension", "size", "step"), args, strict=False)) | kwargs).values()
    before = steps.value(input).shape
    axis = dimension % len(before)
    if not isinstance(before[axis], int):
        raise UnsupportedError("stretches of the batch")
    windows = steps.value(out).shape[axis]
    side = steps.between(input, (*before[:axis], windows, size, *before[axis + 1 :]))
    taken_at(steps, side, input, axis, lambda entries: entries.unfold(0, size, step))
    order = [place for place in range(len(before) + 1) if place != axis + 1]
    permuted(steps, out, side, (*order, axis + 1))


@rule("im2col")
def im2col(
    steps: Steps, out: Any, input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> None:
    """Windows of a map as columns."""
    _require_batch(steps, input, 4)
    sizes = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    steps.emit("Unfold", {"input": input}, out, {name: paired(item) for name, item in sizes.items()}, hint="unfold")


@rule("fold", "col2im")
def fold(
    steps: Steps,
    out: Any,
    input: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> None:
    """Columns put back as the windows of a map."""
    _require_batch(steps, input, 3)
    sizes = {"output_size": output_size, "kernel_size": kernel_size, "dilation": dilation, "padding": padding}
    params = {name: paired(item) for name, item in sizes.items()} | {"stride": paired(stride)}
    steps.emit("Fold", {"input": input}, out, params, hint="fold")


def _require_batch(steps: Steps, input: Any, rank: int) -> None:
    if len(steps.value(input).shape) != rank:
        raise UnsupportedError("windows of a map without a batch")


@rule("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(steps: Steps, out: Any, input: Any, groups: int) -> None:
    """Channels of groups dealt out in turn."""
    taken_at(steps, out, input, 1, lambda entries: entries.view(groups, -1).t().flatten())


@rule("roll")
def roll(steps: Steps, out: Any, input: Any, shifts: Any, dims: Any = None) -> None:
    """Axes rolled."""
    if dims in (None, ()):
        raise UnsupportedError("a roll over all numbers at once")
    as_tuple = [item if isinstance(item, tuple) else (item,) for item in (shifts, dims)]
    steps.emit("Roll", {"input": input}, out, {"shifts": as_tuple[0], "dims": as_tuple[1]})


@rule("flip")
def flip(steps: Steps, out: Any, input: Any, *dims: Any, **kwargs: Any) -> None:
    """Axes reversed."""
    steps.emit("Flip", {"input": input}, out, {"dims": listed(dims) if dims else kwargs["dims"]})


@rule("pad", "constant_pad_nd")
def pad(steps: Steps, out: Any, input: Any, pad: Any, mode: Any = "constant", value: Any = None) -> None:
    """Entries added at the ends."""
    if not isinstance(mode, str):  # constant_pad_nd(input, pad, value)
        mode, value = "constant", mode
    if steps.value(input).shape == steps.value(out).shape and not any(pad):
        steps.alias(out, input)
        return
    steps.emit("Pad", {"input": input}, out, {"padding": pad, "mode": mode, "value": float(value or 0.0)})
