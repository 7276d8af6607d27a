"""Steps: what becomes of the calls on a tape, one node of a graph each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from composer.catalog import Catalog
from composer.modules.tape import Call, ModuleCall, Tape, V, Value, Varying

__all__ = ["Step", "Steps", "UnsupportedError", "type_name"]

_DTYPES = {getattr(torch, name): name for name in (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"
)}  # fmt: skip


class UnsupportedError(Exception):
    """A call has no part in the catalog; the text says what of it."""


@dataclass(eq=False, slots=True)
class Step:
    """One node to be.

    Args:
        type: Type of the component; of a placeholder, a name that no catalog has.
        hint: What its id should be.
        caller: The call of a module that it belongs to.
        params: Its parameters.
        inputs: What each port reads: a tensor's number, or several.
        weights: For each of its own state's names, the name in the module's state dict.
        data: For its own state's names, values that no state dict holds.
        path: Path of the module that it is, where it is one.
        frozen: Whether its weights take no gradient.
        placeholder: Why it is one; empty if it is none.
        source: What was called.
    """

    type: str
    hint: str
    caller: ModuleCall
    params: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, int | list[int]] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    data: dict[str, torch.Tensor] = field(default_factory=dict)
    path: str = ""
    frozen: bool = False
    placeholder: str = ""
    source: str = ""

    def reads(self) -> list[int]:
        """Numbers of the tensors that it reads, in the order of its ports."""
        found: list[int] = []
        for wire in self.inputs.values():
            found.extend(wire if isinstance(wire, list) else [wire])
        return found


class Steps:
    """The steps of a tape while they are made.

    Args:
        tape: The tape.
        catalog: The components.

    Attributes:
        made: The steps, in the order of the calls.
        places: For each tensor that a step makes: the step, its port, and the index of a level.
        counts: How many calls became what: (what was called, type of the component).
    """

    def __init__(self, tape: Tape, catalog: Catalog) -> None:
        self.tape = tape
        self.catalog = catalog
        self.made: list[Step] = []
        self.places: dict[int, tuple[Step, str, int | None]] = {}
        self.same: dict[int, int] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self.call: Call | None = None
        self._numbers: dict[int, list[int]] = {}

    def number(self, item: Any) -> int:
        """The number of a tensor among arguments; of one that is the same as another, the other's.

        Raises:
            UnsupportedError: It is no tensor.
        """
        if not isinstance(item, V):
            raise UnsupportedError(f"expected a tensor, found {item!r:.60}")
        number = item.id
        while number in self.same:
            number = self.same[number]
        return number

    def value(self, item: Any) -> Value:
        """A tensor among arguments."""
        return self.tape.values[self.number(item)]

    def weight(self, item: Any) -> Value | None:
        """A tensor among arguments that one part can hold as its weight; None if it is none."""
        if not isinstance(item, V):
            return None
        value = self.value(item)
        return value if value.origin in ("parameter", "buffer") and value.name not in self.tape.tied else None

    def tied(self) -> frozenset[str]:
        """Names of weights that parts of different kinds would hold, each for itself."""
        holders: dict[str, set[str]] = {}
        for step in self.made:
            names = {name: self.tape.aliases.get(source, source) for name, source in step.weights.items()}
            for source in names.values():
                holders.setdefault(source, set()).add(repr((step.type, sorted(names.items()))))
        return frozenset(source for source, parts in holders.items() if len(parts) > 1)

    def constant(self, data: torch.Tensor) -> V:
        """A tensor of fixed numbers."""
        return V(self.tape.tensor(data.shape, data.dtype, "constant", data=data).id)

    def tensor(self, item: Any) -> V:
        """A tensor among arguments, or a number as one."""
        return self.constant(torch.tensor(item)) if isinstance(item, bool | int | float) else V(self.number(item))

    def alias(self, out: Any, source: Any) -> None:
        """One tensor is another one."""
        self.same[self.number(out)] = self.number(source)
        self._count("")

    def emit(
        self,
        type: str,
        inputs: Mapping[str, Any],
        out: Any,
        params: Mapping[str, Any] | None = None,
        *,
        weights: Mapping[str, str] | None = None,
        hint: str = "",
        frozen: bool = False,
        path: str = "",
    ) -> Step:
        """A step whose ports read these tensors, and which makes these.

        Args:
            type: Type of the component.
            inputs: A tensor for each port, or several; None for none.
            out: The tensor that it makes, or a sequence of them, which are the levels of its output.
            params: Its parameters; sizes of the batch among them are refused.
            weights: Names of its state in the module's state dict.
            hint: What its id should be.
            frozen: Whether its weights take no gradient.
            path: Path of the module that it is.
        """
        assert self.call is not None
        given = {key: _plain(item) for key, item in (params or {}).items()}
        wires: dict[str, int | list[int]] = {}
        for port, item in inputs.items():
            if isinstance(item, list):
                wires[port] = [self.number(part) for part in item]
            elif item is not None:
                wires[port] = self.number(item)
        step = Step(type, hint or self.call.name, self.call.caller, given, wires, dict(weights or {}))
        step.frozen, step.path, step.source = frozen, path, self.call.target
        self.made.append(step)
        for index, part in enumerate(out if isinstance(out, list | tuple) else [out]):
            if isinstance(part, V):
                self.places[part.id] = (step, "out", index if isinstance(out, list | tuple) else None)
        self._count(type)
        return step

    def between(self, like: Any, shape: Sequence[Any] | None = None, dtype: torch.dtype | None = None) -> V:
        """A tensor between two steps of one call."""
        value = self.value(like)
        return V(self.tape.tensor(value.shape if shape is None else shape, dtype or value.dtype).id)

    def batch_of(self, size: Any, caller: ModuleCall | None = None) -> V:
        """A tensor whose first axis has this size, the latest that was made in this module or given to the whole.

        Args:
            size: The size.
            caller: The call of the module; by default that of the current call.

        Raises:
            UnsupportedError: There is none.
        """
        if caller is None:
            assert self.call is not None
            caller = self.call.caller
        chain = caller.chain()
        for step in reversed(self.made):
            if step.caller in chain:
                for number, (maker, _, index) in reversed(self.places.items()):
                    value = self.tape.values[number]
                    if maker is step and index is None and value.origin == "call" and value.shape[:1] == (size,):
                        return V(number)
        for number in self.tape.inputs.values():
            if self.tape.values[number].shape[:1] == (size,):
                return V(number)
        raise UnsupportedError("a size that changes with the batch, and no tensor that has it")

    def made_by(self, step: Step) -> list[int]:
        """Numbers of the tensors that a step makes."""
        if len(self._numbers) != len(self.places):
            self._numbers = {}
            for number, (maker, _, _) in self.places.items():
                self._numbers.setdefault(id(maker), []).append(number)
        return self._numbers.get(id(step), [])

    def hold(self, value: Value) -> None:
        """A step that holds a weight or a constant which is read as a tensor."""
        name = value.name or f"constant_{value.id}"
        step = Step("LearnedTensor", name.rpartition(".")[2], self.tape.root, {"shape": value.shape})
        if value.origin == "parameter":
            step.params["std"] = 0.0
            step.weights = {"value": value.name}
            step.frozen = not value.requires_grad
        else:
            if value.dtype not in _DTYPES:
                raise UnsupportedError(f"numbers of the format {value.dtype}")
            step.type = "ConstantTensor"
            step.params["dtype"] = _DTYPES[value.dtype]
            if value.data is None:
                raise UnsupportedError("a constant that changes with the size of the batch")
            step.params["shape"] = value.data.shape
            if value.name:
                step.weights = {"value": value.name}
            else:
                step.data = {"value": value.data}
            step.hint = step.hint if value.name else "constant"
        step.path, step.source = value.name, value.origin
        self.made.append(step)
        self.places[value.id] = (step, "out", None)
        self.counts[(value.origin, step.type)] = self.counts.get((value.origin, step.type), 0) + 1

    def _count(self, type: str) -> None:
        if self.call is not None:
            called = type_name(self.call)
            self.counts[(called, type)] = self.counts.get((called, type), 0) + 1


def type_name(call: Call) -> str:
    """How a report names what was called."""
    return type(call.module).__name__ if call.module is not None else call.name


def _plain(item: Any) -> Any:
    """Arguments as parameters: what a file can hold, and nothing that changes with the batch."""
    if isinstance(item, Varying):
        raise UnsupportedError("a number that changes with the size of the batch")
    if isinstance(item, V):
        raise UnsupportedError("a number that a tensor holds")
    if isinstance(item, list | tuple):
        return tuple(_plain(part) for part in item)
    if isinstance(item, bool | int | float | str) or item is None:
        return item
    raise UnsupportedError(f"an argument {item!r:.60}")
