"""What a module does with an example, written down: calls of layers and functions, and the modules they lie in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

__all__ = ["Call", "ModuleCall", "Tape", "TapeError", "V", "Value", "Varying", "merged", "values_in"]


class TapeError(ValueError):
    """Two recordings of a module cannot be laid on each other; the text says where they part."""


@dataclass(frozen=True, slots=True)
class V:
    """A tensor in the arguments of a call, by its number on the tape."""

    id: int


@dataclass(frozen=True, slots=True)
class Varying:
    """A whole number that changes with the size of the batch.

    Args:
        first: What it is with the example's batch.
        second: What it is with a batch of one more.
    """

    first: int
    second: int


@dataclass(eq=False, slots=True)
class ModuleCall:
    """One call of a module that holds others: what is called in it belongs together.

    Args:
        path: The module's name in the whole: ``layer1.0``.
        kind: Name of its class.
        parent: The call around it; None for the whole.
    """

    path: str
    kind: str
    parent: "ModuleCall | None" = None

    def chain(self) -> list["ModuleCall"]:
        """The calls from the whole down to this one."""
        outer = self.parent.chain() if self.parent else []
        return [*outer, self]


@dataclass(slots=True)
class Value:
    """A tensor on the tape.

    Args:
        id: Its number.
        shape: Its sizes.
        dtype: Its number format.
        origin: ``input``, ``parameter``, ``buffer``, ``constant`` or ``call``; ``samples`` for a constant that counts
            the samples of the batch.
        name: Name of the input, or of the weight in the module's state dict.
        data: The numbers, where they do not depend on inputs or parameters; along an axis that changes with the batch,
            which holds the same again and again, one of them.
        requires_grad: Whether it is a parameter that learns.
    """

    id: int
    shape: tuple[Any, ...]
    dtype: torch.dtype
    origin: str
    name: str = ""
    data: torch.Tensor | None = None
    requires_grad: bool = False


@dataclass(slots=True)
class Call:
    """One call of a layer or a function.

    Args:
        name: The function in one word (``add``, ``conv2d``), or ``layer``.
        target: What was called, as it is shown: ``torch.add``, ``aten.conv2d.default``, or the path of the layer.
        args: Positional arguments, with ``V`` for tensors.
        kwargs: Arguments by name.
        out: What came back, with ``V`` for tensors.
        caller: In which module.
        module: The layer that was called.
        path: Its name in the whole.
    """

    name: str
    target: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    out: Any
    caller: ModuleCall
    module: torch.nn.Module | None = None
    path: str = ""


@dataclass
class Tape:
    """A recording.

    Args:
        values: The tensors by number.
        calls: The calls in their order.
        inputs: Numbers of the inputs, by name.
        outputs: What the module returned, with ``V`` for tensors, by name.
        root: The call of the whole module.
        batch: Size of the batch and one more, where what depends on it is known; None where the batch is fixed.
        notes: What a reader should know of the recording.
        unused: Names of weights that no call reads.
        aliases: For names of parameters that are the same as others, the first name of each.
        tied: Names of parameters that more than one part reads, so that none may hold it.
    """

    values: dict[int, Value] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, V] = field(default_factory=dict)
    root: ModuleCall = field(default_factory=lambda: ModuleCall("", "Module"))
    batch: Varying | None = None
    notes: list[str] = field(default_factory=list)
    unused: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)
    tied: frozenset[str] = frozenset()

    def tensor(
        self, shape: Sequence[Any], dtype: torch.dtype, origin: str = "call", name: str = "", **more: Any
    ) -> Value:
        """A new tensor."""
        value = Value(len(self.values), tuple(shape), dtype, origin, name, **more)
        self.values[value.id] = value
        return value


def values_in(item: Any) -> Iterator[V]:
    """The tensors in arguments or results, in their order."""
    if isinstance(item, V):
        yield item
    elif isinstance(item, Mapping):
        for part in item.values():
            yield from values_in(part)
    elif isinstance(item, list | tuple):
        for part in item:
            yield from values_in(part)
    elif isinstance(item, slice):
        yield from values_in((item.start, item.stop, item.step))


def merged(first: Tape, second: Tape, batch: Varying) -> Tape:
    """Two recordings of one module, with batches of two sizes, as one in which what differs is ``Varying``.

    Raises:
        TapeError: They differ in more than sizes.
    """
    if len(first.calls) != len(second.calls) or len(first.values) != len(second.values):
        raise TapeError(f"{len(first.calls)} calls with one batch, {len(second.calls)} with another")
    found = Tape(
        inputs=first.inputs, outputs=first.outputs, root=first.root, batch=batch, notes=first.notes,
        unused=first.unused, aliases=first.aliases,
    )  # fmt: skip
    for one, other in zip(first.values.values(), second.values.values(), strict=True):
        if (one.origin, one.name, one.dtype, len(one.shape)) != (
            other.origin,
            other.name,
            other.dtype,
            len(other.shape),
        ):
            raise TapeError(f"a tensor of the sizes {one.shape} has another place with another batch")
        data = one.data
        shape = tuple(_both(a, b, "a size") for a, b in zip(one.shape, other.shape, strict=True))
        if data is not None and shape != one.shape:
            data = _without_batch(data, other.data, shape)
        elif data is not None and (other.data is None or not torch.equal(data, other.data)):
            data = None
        origin = "samples" if data is None and _numbers_samples(one, shape) and _numbers_samples(other, shape) else ""
        found.values[one.id] = Value(one.id, shape, one.dtype, origin or one.origin, one.name, data, one.requires_grad)
    for call, again in zip(first.calls, second.calls, strict=True):
        if (call.name, call.path, call.caller.path) != (again.name, again.path, again.caller.path):
            text = f"{call.target} in {call.caller.path or 'the module'} is {again.target} with another batch"
            raise TapeError(text)
        args = _both(call.args, again.args, call.target)
        kwargs = _both(dict(call.kwargs), dict(again.kwargs), call.target)
        found.calls.append(Call(call.name, call.target, args, kwargs, call.out, call.caller, call.module, call.path))
    if first.outputs != second.outputs:
        raise TapeError("what is returned changes with the batch")
    return found


def _both(one: Any, other: Any, where: str) -> Any:
    """Two arguments as one; whole numbers that differ become ``Varying``.

    Raises:
        TapeError: They differ in another way.
    """
    if type(one) is int and type(other) is int:
        return one if one == other else Varying(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        return {key: _both(item, other[key], where) for key, item in one.items()}
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return tuple(_both(a, b, where) for a, b in zip(one, other, strict=True))
    if isinstance(one, slice) and isinstance(other, slice):
        return slice(*_both((one.start, one.stop, one.step), (other.start, other.stop, other.step), where))
    plain = isinstance(one, V | str | float | bool | complex | torch.dtype | torch.device)
    if type(one) is not type(other) or (plain and one != other and one == one):
        raise TapeError(f"{where}: {one!r:.60} is {other!r:.60} with another batch")
    return one


def _numbers_samples(value: Value, shape: tuple[Any, ...]) -> bool:
    """Whether a constant counts the samples of the batch: 0, 1, 2 ... along its first axis, which is the batch."""
    if value.origin != "constant" or value.data is None or value.data.is_floating_point():
        return False
    if not shape or not isinstance(shape[0], Varying) or any(size != 1 for size in shape[1:]):
        return False
    return torch.equal(value.data.flatten(), torch.arange(value.data.shape[0], dtype=value.data.dtype))


def _without_batch(one: torch.Tensor, other: torch.Tensor | None, shape: tuple[Any, ...]) -> torch.Tensor | None:
    """Fixed numbers that are the same for every entry of the batch, with an axis of 1 for it; None if they differ."""
    axes = [axis for axis, size in enumerate(shape) if isinstance(size, Varying)]
    if other is None or len(axes) != 1:
        return None
    row = one.narrow(axes[0], 0, 1)
    alike = torch.equal(row.expand_as(one), one) and torch.equal(row.expand_as(other), other)
    return row.clone() if alike else None
