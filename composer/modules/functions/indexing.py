"""What stands in brackets: parts of tensors that are read, and parts that are written."""

from typing import Any

import torch

from composer.modules.functions.joining import fill
from composer.modules.functions.rules import numbers, rule
from composer.modules.functions.shape import expand, reshaped, to_format
from composer.modules.steps import Steps, UnsupportedError
from composer.modules.tape import V, Varying

_MASKS = (torch.bool, torch.uint8)


def _parts(steps: Steps, input: Any, index: Any) -> list[Any]:
    """An index axis by axis, with whole axes in the place of an ellipsis and of what ATen leaves out."""
    parts = list(index) if isinstance(index, tuple) else [index]
    assert steps.call is not None
    if steps.call.name.startswith("index"):  # ATen's: None is the whole axis
        parts = [slice(None) if part is None else part for part in parts]
    for place, part in enumerate(parts):
        if part is Ellipsis:
            taken = sum(_axes_taken(steps, one) for one in parts if one is not Ellipsis)
            parts[place : place + 1] = [slice(None)] * (len(steps.value(input).shape) - taken)
            break
    return parts


def _axes_taken(steps: Steps, part: Any) -> int:
    if isinstance(part, V) and steps.value(part).dtype in _MASKS:
        return len(steps.value(part).shape)
    return 0 if part is None else 1


@rule("getitem", "index")
def getitem(steps: Steps, out: Any, input: Any, index: Any) -> None:
    """Whatever stands in brackets, axis by axis."""
    parts = _parts(steps, input, index)
    tensors = [place for place, part in enumerate(parts) if isinstance(part, V)]
    if len(tensors) > 1:
        parts, input = _together(steps, out, input, parts, tensors)
        if not parts:
            return
    todo: list[tuple[str, int, Any]] = []
    axis = 0
    for part in parts:
        if part is None:
            todo.append(("unsqueeze", axis, None))
            axis += 1
        elif isinstance(part, int) and not isinstance(part, bool):
            todo.append(("select", axis, part))
        elif isinstance(part, slice):
            todo.append(("slice", axis, part))
            axis += 1
        elif isinstance(part, V):
            todo.append(("take", axis, part))
            axis += len(steps.value(part).shape)
        else:
            raise UnsupportedError(f"an index {part!r:.40}")
    _indexed(steps, out, input, todo)


def _together(steps: Steps, out: Any, input: Any, parts: list[Any], tensors: list[int]) -> tuple[list[Any], Any]:
    """Tensors that name places together: one index of the axes that they stand for, joined.

    Returns:
        The index that is left, of a tensor with the axes joined; none where the whole is done.
    """
    first, second = tensors[0], tensors[-1]
    if second - first + 1 != len(tensors) or any(not isinstance(part, slice) for part in parts[:first]):
        raise UnsupportedError("several tensors in one index that do not stand side by side")
    if steps.value(parts[first]).origin == "samples":
        if first or len(tensors) > 2 or len(parts) > 2:
            raise UnsupportedError("entries of each sample by more than one index")
        _of_each(steps, out, input, parts[1], len(steps.value(parts[0]).shape))
        return [], input
    sizes = steps.value(input).shape
    joined = sizes[first : second + 1]
    places = [_known(steps, parts[place]) for place in tensors]
    if not all(isinstance(size, int) for size in joined) or any(one.dtype in _MASKS for one in places):
        raise UnsupportedError("several tensors in one index, of which one is a mask or names samples of the batch")
    whole = torch.zeros((), dtype=torch.int64)
    for place, size in zip(places, joined, strict=True):
        whole = whole * size + torch.where(place < 0, place + size, place)
    flat = steps.between(input, (*sizes[:first], whole.new_tensor(joined).prod().item(), *sizes[second + 1 :]))
    reshaped(steps, flat, input)
    return [*parts[:first], steps.constant(whole), *parts[second + 1 :]], flat


def _of_each(steps: Steps, out: Any, input: Any, index: V, rank: int) -> None:
    """For each sample its own entries of the second axis."""
    sizes, own = steps.value(input).shape, steps.value(index)
    if own.dtype in _MASKS or len(own.shape) != rank or rank > 2 or own.shape[0] != sizes[0]:
        raise UnsupportedError("entries of each sample by an index of another form")
    count = own.shape[1] if rank == 2 else 1
    standing = steps.between(index, (sizes[0], count, *(1 for _ in sizes[2:])))
    spread = steps.between(index, (sizes[0], count, *sizes[2:]))
    reshaped(steps, standing, index)
    expand(steps, spread, standing)
    found = out if rank == 2 else steps.between(out, (sizes[0], 1, *sizes[2:]))
    steps.emit("Gather", {"input": input, "index": spread}, found, {"dim": 1})
    if rank == 1:
        steps.emit("Squeeze", {"input": found}, out, {"dim": 1})


def _known(steps: Steps, item: Any) -> torch.Tensor:
    """The numbers of a constant.

    Raises:
        UnsupportedError: It is none.
    """
    value = steps.value(item)
    if value.data is None or any(isinstance(size, Varying) for size in value.shape):
        raise UnsupportedError("several tensors in one index, of which one is computed from the inputs")
    return value.data


def _indexed(steps: Steps, out: Any, input: Any, todo: list[tuple[str, int, Any]]) -> None:
    """One step for each part of an index, of those that change anything."""
    shape = list(steps.value(input).shape)
    made: list[tuple[str, dict[str, Any], Any, tuple[Any, ...]]] = []
    for kind, axis, part in todo:
        if kind == "slice":
            bounds = _bounds(shape[axis], part)
            if bounds is None:
                continue
            shape[axis] = len(range(*bounds))
            start, stop, step = bounds
            params = {"start": start, "end": stop, "dim": axis, "step": step}
            made.append(("Slice", params, None, tuple(shape)))
        elif kind == "unsqueeze":
            shape.insert(axis, 1)
            made.append(("Unsqueeze", {"dim": axis}, None, tuple(shape)))
        elif kind == "select":
            del shape[axis]
            made.append(("Select", {"index": part, "dim": axis}, None, tuple(shape)))
        else:
            part = _entries(steps, part, shape[axis])
            shape[axis : axis + 1] = steps.value(part).shape
            made.append(("Take", {"dim": axis}, part, tuple(shape)))
    if not made:
        steps.alias(out, input)
    for place, (type, params, index, sizes) in enumerate(made):
        target = out if place == len(made) - 1 else steps.between(input, sizes)
        inputs = {"input": input} if index is None else {"input": input, "index": index}
        steps.emit(type, inputs, target, params, hint=type.lower())
        input = target


def _entries(steps: Steps, part: V, size: Any) -> V:
    """An index of an axis that names entries, counted from the front where it is fixed.

    Raises:
        UnsupportedError: It is a mask whose numbers are not fixed, so that what it takes has no fixed size.
    """
    value = steps.value(part)
    fixed = value.data is not None and isinstance(size, int)
    if value.dtype in _MASKS:
        if not fixed or len(value.shape) != 1:
            raise UnsupportedError("a mask as an index: how much it takes is not known before it is computed")
        assert value.data is not None
        return steps.constant(value.data.bool().nonzero().flatten())
    if fixed and value.origin == "constant" and value.data is not None and bool((value.data < 0).any()):
        return steps.constant(torch.where(value.data < 0, value.data + size, value.data))
    return part


def _bounds(size: Any, part: slice) -> tuple[int, int, int] | None:
    """Start, end and step of a slice of an axis; None for the whole axis.

    Raises:
        UnsupportedError: They depend on the batch.
    """
    if isinstance(size, Varying):
        if part.start in (None, 0) and part.stop in (None, size) and part.step in (None, 1):
            return None
        raise UnsupportedError("a part of the batch")
    if any(isinstance(item, Varying | V) for item in (part.start, part.stop, part.step)):
        raise UnsupportedError("an index that depends on the batch")
    bounds = part.indices(size)
    return None if bounds == (0, size, 1) else bounds


@rule("setitem", "index_put")
def setitem(steps: Steps, out: Any, input: Any, index: Any, value: Any, accumulate: bool = False) -> None:
    """Numbers that are written into a tensor: what lies around them, and the new ones."""
    if accumulate:
        raise UnsupportedError("numbers that are added where an index names: use scatter_add")
    parts = [part for part in _parts(steps, input, index) if part is not None]
    if len(parts) == 1 and isinstance(parts[0], V) and steps.value(parts[0]).dtype in _MASKS:
        _written_where(steps, out, input, parts[0], value)
        return
    shape = steps.value(input).shape
    if sum(isinstance(part, V) for part in parts) > 1:
        raise UnsupportedError("numbers that are written at places which several tensors name")
    written = [(axis, _written_entries(steps, shape[axis], part)) for axis, part in enumerate(parts)]
    changed = [(axis, entries) for axis, entries in written if entries is not None]
    if any(not len(entries) for _, entries in changed):
        steps.alias(out, input)
        return
    if numbers(value):
        _number_written(steps, out, input, changed, value)
        return
    if not isinstance(value, V):
        raise UnsupportedError(f"{value!r:.40} written into a tensor")
    sizes = {axis: len(entries) for axis, entries in changed}
    region = [sizes.get(axis, size) for axis, size in enumerate(shape)]
    single = [axis for axis, part in enumerate(parts) if isinstance(part, int)]
    value = _fitted(steps, input, value, [size for axis, size in enumerate(region) if axis not in single])
    if single:
        whole = steps.between(input, region)
        reshaped(steps, whole, value)
        value = whole
    if changed:
        _write(steps, out, input, changed, value)
    else:
        steps.alias(out, value)


def _number_written(steps: Steps, out: Any, input: Any, changed: list[tuple[int, torch.Tensor]], value: float) -> None:
    """One number at entries of axes; at all of them where none is named."""
    shape = steps.value(input).shape
    if not changed:
        fill(steps, out, input, value)
        return
    axes = dict(changed)
    mask = torch.ones([shape[axis] if axis in axes else 1 for axis in range(len(shape))], dtype=torch.bool)
    for axis, entries in changed:
        along = torch.zeros(shape[axis], dtype=torch.bool)
        along[entries] = True
        mask &= along.view([-1 if place == axis else 1 for place in range(len(shape))])
    steps.emit("MaskedFill", {"input": input, "mask": steps.constant(mask)}, out, {"value": float(value)})


def _written_entries(steps: Steps, size: Any, part: Any) -> torch.Tensor | None:
    """The entries of an axis that are written; None for all of them.

    Raises:
        UnsupportedError: They are not known.
    """
    if isinstance(part, slice):
        bounds = _bounds(size, part)
        return None if bounds is None else torch.arange(*bounds)
    if isinstance(size, Varying):
        raise UnsupportedError("numbers that are written into a part of the batch")
    if isinstance(part, int) and not isinstance(part, bool):
        return torch.tensor([part % size])
    data = steps.value(part).data if isinstance(part, V) else None
    if data is None or data.ndim != 1:
        raise UnsupportedError("numbers that are written at places which are computed: use scatter")
    return data.bool().nonzero().flatten() if data.dtype in _MASKS else data % size


def _fitted(steps: Steps, input: Any, value: V, region: list[Any]) -> V:
    """Numbers in the format of the tensor that they are written into, and as many as it has there."""
    if steps.value(value).dtype != steps.value(input).dtype:
        cast = steps.between(value, dtype=steps.value(input).dtype)
        to_format(steps, cast, value)
        value = cast
    own = steps.value(value).shape
    if len(own) > len(region):  # new axes of the index, or of size 1 in front
        if [size for size in own if size != 1] != [size for size in region if size != 1]:
            raise UnsupportedError("numbers with more axes than the part that they are written into")
        flat = steps.between(input, region)
        reshaped(steps, flat, value)
        value = flat
    if list(steps.value(value).shape) != region:
        whole = steps.between(input, region)
        expand(steps, whole, value)
        value = whole
    return value


def _written_where(steps: Steps, out: Any, input: Any, mask: V, value: Any) -> None:
    """Numbers that are written where a mask is true."""
    before, own = steps.value(input).shape, steps.value(mask).shape
    if len(own) < len(before):
        wide = steps.between(mask, (*own, *(1 for _ in before[len(own) :])))
        reshaped(steps, wide, mask)
        mask = wide
    if numbers(value):
        steps.emit("MaskedFill", {"input": input, "mask": mask}, out, {"value": float(value)})
    elif isinstance(value, V) and steps.value(value).shape in ((), (1,)):
        value = _fitted(steps, input, value, list(steps.value(value).shape))
        steps.emit("Where", {"condition": mask, "input": value, "other": input}, out)
    else:
        raise UnsupportedError("as many numbers as a mask takes, written where it is true: use torch.where")


def _write(steps: Steps, out: Any, input: Any, written: list[tuple[int, torch.Tensor]], value: V) -> None:
    """New numbers at entries of axes, one axis after the other."""
    (axis, entries), *rest = written
    shape = steps.value(input).shape
    if rest:
        inner = steps.between(input, (*shape[:axis], len(entries), *shape[axis + 1 :]))
        steps.emit("Take", {"input": input, "index": steps.constant(entries)}, inner, {"dim": axis}, hint="part")
        changed = steps.between(inner)
        _write(steps, changed, inner, rest, value)
        value = changed
    start, stop = int(entries[0]), int(entries[-1]) + 1
    if entries.tolist() != list(range(start, stop)):
        order = torch.arange(shape[axis])
        order[entries] = shape[axis] + torch.arange(len(entries))
        both = steps.between(input, (*shape[:axis], shape[axis] + len(entries), *shape[axis + 1 :]))
        steps.emit("Concat", {"xs": [input, value]}, both, {"dim": axis})
        steps.emit("Take", {"input": both, "index": steps.constant(order)}, out, {"dim": axis}, hint="written")
        return
    joined: list[Any] = []
    for first, last in ((0, start), (stop, shape[axis])):
        if first < last:
            piece = steps.between(input, (*shape[:axis], last - first, *shape[axis + 1 :]))
            params = {"start": first, "end": None if last == shape[axis] else last, "dim": axis}
            steps.emit("Slice", {"input": input}, piece, params, hint="slice")
            joined.append(piece)
    joined.insert(1 if start else 0, value)
    if len(joined) == 1:
        steps.alias(out, value)
    else:
        steps.emit("Concat", {"xs": joined}, out, {"dim": axis}, hint="written")


@rule("index_fill")
def index_fill(steps: Steps, out: Any, input: Any, dim: int, index: Any, value: Any) -> None:
    """One number at entries of an axis."""
    whole = [slice(None)] * (dim % len(steps.value(input).shape))
    setitem(steps, out, input, (*whole, index), value)


@rule("index_copy")
def index_copy(steps: Steps, out: Any, input: Any, dim: int, index: Any, source: Any) -> None:
    """Entries of an axis written anew."""
    whole = [slice(None)] * (dim % len(steps.value(input).shape))
    setitem(steps, out, input, (*whole, index), source)


@rule("slice_scatter")
def slice_scatter(
    steps: Steps, out: Any, input: Any, src: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> None:
    """A stretch of an axis written anew."""
    whole = [slice(None)] * (dim % len(steps.value(input).shape))
    setitem(steps, out, input, (*whole, slice(start, end, step)), src)


@rule("select_scatter")
def select_scatter(steps: Steps, out: Any, input: Any, src: Any, dim: int, index: int) -> None:
    """One entry of an axis written anew."""
    whole = [slice(None)] * (dim % len(steps.value(input).shape))
    setitem(steps, out, input, (*whole, index), src)
