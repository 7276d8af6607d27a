"""What takes tensors apart, joins them, and writes into them."""

from typing import Any

import torch

from composer.modules.functions.rules import axis_of, numbers, rule
from composer.modules.functions.shape import expand
from composer.modules.steps import Steps, UnsupportedError
from composer.modules.tape import V, Varying


@rule("cat", "concat", "concatenate")
def concat(steps: Steps, out: Any, tensors: Any, dim: int = 0) -> None:
    """Tensors joined along an axis."""
    steps.emit("Concat", {"xs": list(tensors)}, out, {"dim": axis_of(steps, out, dim)})


@rule("stack")
def stack(steps: Steps, out: Any, tensors: Any, dim: int = 0) -> None:
    """Tensors joined along a new axis."""
    steps.emit("Stack", {"xs": list(tensors)}, out, {"dim": axis_of(steps, out, dim)})


@rule("hstack", "vstack", "dstack", "row_stack", "column_stack")
def side_by_side(steps: Steps, out: Any, tensors: Any) -> None:
    """Tensors joined along their first, second or third axis."""
    assert steps.call is not None
    if len(steps.value(tensors[0]).shape) != len(steps.value(out).shape):
        raise UnsupportedError(f"{steps.call.name} of tensors that get more axes by it")
    axis = {"h": min(1, len(steps.value(out).shape) - 1), "c": 1, "d": 2}.get(steps.call.name[0], 0)
    steps.emit("Concat", {"xs": list(tensors)}, out, {"dim": axis})


@rule("gather")
def gather(steps: Steps, out: Any, input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> None:
    """For every place of an index the entry that it names."""
    steps.emit("Gather", {"input": input, "index": index}, out, {"dim": axis_of(steps, input, dim)})


@rule("take_along_dim")
def take_along_dim(steps: Steps, out: Any, input: Any, indices: Any, dim: int | None = None) -> None:
    """The same, with axes of size 1 stretched."""
    if dim is None:
        raise UnsupportedError("entries of a whole tensor by their numbers: name an axis")
    shapes = (list(steps.value(input).shape), list(steps.value(indices).shape))
    axis = axis_of(steps, input, dim)
    if [size for place, size in enumerate(shapes[0]) if place != axis] != [
        size for place, size in enumerate(shapes[1]) if place != axis
    ]:
        raise UnsupportedError("an index that is stretched along other axes")
    gather(steps, out, input, axis, indices)


@rule("scatter", "scatter_add")
def scatter(steps: Steps, out: Any, input: Any, dim: int, index: Any, *args: Any, **kwargs: Any) -> None:
    """Numbers put where an index names, or added there."""
    assert steps.call is not None
    source: Any = args[0] if args else kwargs.get("src", kwargs.get("value"))
    if len(args) > 1 or kwargs.get("reduce") is not None:
        raise UnsupportedError("numbers that are multiplied with what is there")
    if numbers(source):
        whole = steps.between(out, steps.value(index).shape)
        _everywhere(steps, whole, float(source))
        source = whole
    params = {"dim": axis_of(steps, input, dim), "how": "add" if steps.call.name == "scatter_add" else "write"}
    steps.emit("Scatter", {"input": input, "index": index, "source": source}, out, params)


def _everywhere(steps: Steps, out: Any, value: float) -> None:
    """One number at every place of a tensor."""
    one = steps.constant(torch.full((1,) * len(steps.value(out).shape), value, dtype=steps.value(out).dtype))
    expand(steps, out, one)


@rule("one_hot")
def one_hot(steps: Steps, out: Any, input: Any, num_classes: int = -1) -> None:
    """A row of zeros with a 1 for each index."""
    if num_classes < 1:
        raise UnsupportedError("as many classes as the largest index says: give num_classes")
    table = steps.constant(torch.eye(num_classes, dtype=torch.int64))
    steps.emit("Take", {"input": table, "index": input}, out, {"dim": 0}, hint="one_hot")


@rule("chunk", "split", "split_with_sizes", "tensor_split")
def split(steps: Steps, out: Any, input: Any, *args: Any, **kwargs: Any) -> None:
    """An axis cut into parts."""
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    axis = axis_of(steps, input, dim)
    sizes = [steps.value(part).shape[axis] for part in out]
    if len(out) == 1:
        steps.alias(out[0], input)
    elif len(set(sizes)) == 1:
        steps.emit("Chunk", {"input": input}, list(out), {"chunks": len(out), "dim": axis})
    else:
        steps.emit("Split", {"input": input}, list(out), {"sizes": sizes, "dim": axis})


@rule("unbind", "iter")
def unbind(steps: Steps, out: Any, input: Any, dim: int = 0) -> None:
    """Every entry of an axis."""
    if isinstance(steps.value(input).shape[axis_of(steps, input, dim)], Varying):
        raise UnsupportedError("one tensor for every sample of the batch")
    steps.emit("Unbind", {"input": input}, list(out), {"dim": axis_of(steps, input, dim)}, hint="unbind")


@rule("select")
def select(steps: Steps, out: Any, input: Any, dim: int, index: int) -> None:
    """One entry of an axis."""
    steps.emit("Select", {"input": input}, out, {"index": index, "dim": axis_of(steps, input, dim)})


@rule("narrow")
def narrow(steps: Steps, out: Any, input: Any, dim: int, start: int, length: int) -> None:
    """A stretch of an axis."""
    slice_(steps, out, input, dim, start, start + length)


@rule("slice")
def slice_(steps: Steps, out: Any, input: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> None:
    """A stretch of an axis, with steps."""
    axis = axis_of(steps, input, dim)
    size = steps.value(input).shape[axis]
    whole = isinstance(end, Varying) or end is None or (isinstance(size, int) and end >= size)
    whole = whole or (isinstance(end, int) and end >= 2**62)
    if steps.value(out).shape[axis] == size and step == 1:
        steps.alias(out, input)
        return
    params = {"start": start or 0, "end": None if whole else end, "dim": axis, "step": step}
    steps.emit("Slice", {"input": input}, out, params, hint="slice")


@rule("zero")
def zero(steps: Steps, out: Any, input: Any) -> None:
    """Zeros in the place of a tensor's numbers."""
    fill(steps, out, input, 0)


@rule("copy")
def copied(steps: Steps, out: Any, input: Any, source: Any, non_blocking: bool = False) -> None:
    """The numbers of one tensor written over those of another."""
    if steps.value(out).dtype != steps.value(source).dtype:
        raise UnsupportedError("numbers of another format that are written into a tensor")
    expand(steps, out, source)


@rule("fill")
def fill(steps: Steps, out: Any, input: Any, value: Any) -> None:
    """One number everywhere."""
    if isinstance(value, V):
        data = steps.value(value).data
        if data is None or data.numel() != 1:
            raise UnsupportedError("a fill value that is computed")
        value = data.item()
    steps.emit("MaskedFill", {"input": input, "mask": steps.constant(torch.tensor(True))}, out, {"value": float(value)})


@rule("index_select")
def index_select(steps: Steps, out: Any, input: Any, dim: int, index: Any) -> None:
    """Entries of an axis by their numbers."""
    steps.emit("Take", {"input": input, "index": index}, out, {"dim": axis_of(steps, input, dim)}, hint="take")
