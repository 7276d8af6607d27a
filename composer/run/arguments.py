"""What a caller may hand to a model, and how it becomes the arguments of a mode's forward."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from composer.catalog.component import Port
from composer.graph import MODES, FrozenDict, Graph
from composer.graph.plan import Program
from composer.ports import PortTypes
from composer.problems import GraphError, Problem, Where, nearest, suggestion
from composer.run.entries import Entry, Weights, kind_of, sizes_of

__all__ = ["Signature", "unknown_mode"]


@dataclass(frozen=True)
class Signature:
    """The inputs and data-sample fields that one mode takes.

    Args:
        mode: The mode.
        graph_inputs: Names of all inputs of the graph, in order.
        graph_fields: Names of all its data-sample fields.
        inputs: Names of those inputs that the mode uses.
        fields: Names of the data-sample fields that it uses.
        entries: What each of these has to be.
        users: For each name the node and port that take it.
        optional: Those fields that only optional ports take; one that is not given is None, as without a wire.
        counted: For each input and field whose first axis has a name (``B``), that name. The entries of a list are
            counted like the samples of the inputs, where all of those are counted by one name.
        declared: For each input the sizes that it declares.
    """

    mode: str
    graph_inputs: tuple[str, ...]
    graph_fields: tuple[str, ...]
    inputs: tuple[str, ...]
    fields: tuple[str, ...]
    entries: Mapping[str, Entry]
    users: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    counted: Mapping[str, str] = FrozenDict()
    declared: Mapping[str, tuple[int | str, ...]] = FrozenDict()

    @classmethod
    def of(
        cls, graph: Graph, program: Program, types: PortTypes, sizes: Mapping[str, Any] = FrozenDict()
    ) -> "Signature":
        """The signature of a program.

        Args:
            graph: The graph.
            program: The program of the mode.
            types: The port types by name.
            sizes: The sizes of outputs by reference, as far as they are known.
        """
        takers: dict[str, list[tuple[str, Port, bool]]] = {}
        needed = {value.source for _, value in program.outputs}
        for call in program.calls:
            for port, argument in call.arguments:
                taken = call.component.input_by_name[port]
                for value in argument if isinstance(argument, tuple) else (argument,):
                    if value.port is None:
                        takers.setdefault(value.source, []).append((f"{call.path}.{port}", taken, value.index is None))
                        if not taken.optional:
                            needed.add(value.source)
        declared = {**graph.inputs, **graph.data_samples}
        fields = program.data_samples
        entries = {
            name: Entry.of(
                name, declared[name], types.get(str(declared[name].type)), takers.get(name, ()), field=name in fields
            )
            for name in (*program.inputs, *fields)
        }
        return cls(
            program.mode,
            tuple(graph.inputs),
            tuple(graph.data_samples),
            program.inputs,
            fields,
            FrozenDict(entries),
            FrozenDict({name: found[0][0] for name, found in takers.items()}),
            frozenset(fields) - needed,
            FrozenDict(_counted(graph, program, entries, sizes)),
            FrozenDict({name: entry.shape for name, entry in graph.inputs.items() if entry.shape}),
        )

    @property
    def lists(self) -> frozenset[str]:
        """Those fields that hold one entry an image and are never stacked."""
        return frozenset(name for name in self.fields if self.entries[name].holds != "tensor")

    def arguments(self, inputs: Any, data_samples: Any) -> list[Any]:
        """The arguments of the mode's forward, in order.

        Raises:
            GraphError: An input or a field is missing.
        """
        if isinstance(inputs, Tensor) and len(self.graph_inputs) == 1:
            found = [inputs] if self.inputs else []
        else:
            found = self._inputs(inputs)
        if self.fields:
            found.extend(self._fields(data_samples, found[0] if found else None))
        elif not isinstance(data_samples, Mapping | list | tuple | None):
            raise self._wrong_samples(kind_of(data_samples))
        return found

    def refuse_other_kinds(self, arguments: Sequence[Any], weights: Callable[[], Weights], first: Weights) -> None:
        """Refuse what cannot be meant: other containers, axes, channels, kinds of numbers, uneven numbers of samples.

        Args:
            arguments: The arguments of the mode's forward.
            weights: Says of what kind the model's weights are; asked where they are not all like the first.
            first: Of what kind the first one is.

        Raises:
            GraphError: There are some.
        """
        if any(self._faults(arguments, first)) and (problems := list(self._faults(arguments, weights()))):
            raise GraphError(problems)
        self._refuse_uneven(arguments)

    def _faults(self, arguments: Sequence[Any], weights: Weights) -> Iterator[Problem]:
        for name, value in zip((*self.inputs, *self.fields), arguments, strict=True):
            if value is None and name in self.optional:
                continue
            entry = self.entries[name]
            for what, text in entry.faults(value, weights):
                of_field = name in self.fields and (what == "container" or entry.holds != "tensor")
                yield Problem("bad-field" if of_field else "bad-input", Where(name, mode=self.mode), text)

    def other_sizes(self, arguments: Sequence[Any]) -> dict[str, str]:
        """The inputs that have other sizes than they declare, each with these in words."""
        found = {}
        for name, value in zip(self.inputs, arguments, strict=False):
            axes = self.declared.get(name, ())
            sizes = tuple(value.shape) if isinstance(value, Tensor) else ()
            if any(isinstance(axis, int) and axis != size for axis, size in zip(axes, sizes, strict=False)):
                found[name] = f"{name} is {sizes_of(value)}, the graph declares {' '.join(map(str, axes))}"
        return found

    def _refuse_uneven(self, arguments: Sequence[Any]) -> None:
        first: dict[str, tuple[str, int]] = {}
        for name, value in zip((*self.inputs, *self.fields), arguments, strict=True):
            axis = self.counted.get(name)
            if axis is None or value is None or (isinstance(value, Tensor) and value.dim() == 0):
                continue
            found = len(value)
            if found == 0 and self.mode == "loss":
                taken = f"; it goes to {self.users[name]}" if name in self.users else ""
                raise self._refusal("bad-input", name, f"found no samples, expected at least one{taken}")
            other, count = first.setdefault(axis, (name, found))
            if found == count:
                continue
            if self.entries[name].holds != "tensor":
                text = f"found entries for {found} samples, {other} has {count}; expected one entry a sample"
            else:
                text = f"its first axis ({axis}) is {found}, that of {other} is {count}; expected as many samples"
            raise self._refusal("bad-input", name, text)

    def _inputs(self, inputs: Any) -> list[Any]:
        named: Mapping[str, Any]
        if isinstance(inputs, Mapping):
            named = inputs
        elif isinstance(inputs, Tensor):
            named = dict(zip(self.graph_inputs[:1], [inputs], strict=False))
        elif inputs is None or isinstance(inputs, list | tuple):
            named = dict(zip(self.graph_inputs, self._at_most_all(inputs or ()), strict=False))
        else:
            text = (
                f"found {kind_of(inputs)}, expected a tensor, a list in the order of the graph's inputs, or a mapping"
            )
            raise self._refusal("bad-input", "inputs", text)
        self._demand(self.inputs, named, "inputs")
        self._refuse_unknown(named)
        return [named[name] for name in self.inputs]

    def _refuse_unknown(self, named: Mapping[Any, Any]) -> None:
        for name in named:
            if name not in self.graph_inputs and name not in self.graph_fields:  # one mapping may hold both
                near = suggestion(str(name), self.graph_inputs, "inputs")
                text = f"found {name!r}, which is no input of the graph; {near}"
                raise self._refusal("bad-input", "inputs", text)

    def _at_most_all(self, inputs: Sequence[Any]) -> Sequence[Any]:
        if len(inputs) > len(self.graph_inputs):
            expected = ", ".join(self.graph_inputs) or "none"
            text = f"got {len(inputs)} inputs, the graph has {len(self.graph_inputs)}: {expected}"
            if all(isinstance(item, Tensor) and item.dim() == len("CHW") for item in inputs):
                text += "; images become a batch with torch.stack"
            raise self._refusal("too-many-inputs", "inputs", text)
        return inputs

    def _fields(self, data_samples: Any, like: Any) -> list[Any]:
        if isinstance(data_samples, list | tuple):
            if not data_samples or not all(isinstance(sample, Mapping) for sample in data_samples):
                odd = [sample for sample in data_samples if not isinstance(sample, Mapping)]
                raise self._wrong_samples(kind_of(odd if data_samples else ()).replace("tuple", "list"))
            for position, sample in enumerate(data_samples):
                self._demand(self._needed, sample, f"data_samples[{position}]")
            given = [name for name in self.fields if all(name in sample for sample in data_samples)]
            names = {name for sample in data_samples for name in sample}
            named: Mapping[str, Any] = {name: [sample[name] for sample in data_samples] for name in given}
        elif data_samples is None or isinstance(data_samples, Mapping):
            named = data_samples or {}
            names = set(named)
            self._demand(self._needed, named, "data_samples")
        else:
            raise self._wrong_samples(kind_of(data_samples))
        self._refuse_misspelled({name for name in self.optional if name not in named}, names)
        device = like.device if isinstance(like, Tensor) else None
        return [self._field(name, named.get(name), device) for name in self.fields]

    @property
    def _needed(self) -> tuple[str, ...]:
        return tuple(name for name in self.fields if name not in self.optional)

    def _refuse_misspelled(self, absent: set[str], names: set[Any]) -> None:
        """Refuse an extra field that looks like an optional one which is not given; others are nobody's business."""
        extra = [name for name in names if isinstance(name, str) and name not in self.graph_fields]
        for name in sorted(absent):
            if near := nearest(name, extra, 1):
                text = f"found '{near[0]}', which the graph lacks, and no '{name}'; did you mean '{name}'?"
                raise self._refusal("bad-field", near[0], text)

    def _field(self, name: str, value: Any, device: torch.device | None) -> Any:
        known = isinstance(value, Tensor) or self.entries[name].holds != "tensor"
        if known or (value is None and name in self.optional):
            return value
        if not (isinstance(value, list | tuple | int | float) or hasattr(value, "__array__")):
            text = f"found {kind_of(value)}, expected a tensor, or numbers: one entry a sample"
            raise self._refusal("bad-field", name, text)
        try:
            return _stacked(value, device)
        except (RuntimeError, TypeError, ValueError) as error:
            text = f"found {kind_of(value)}, its entries do not make one tensor: {str(error).splitlines()[0]}"
            raise self._refusal("bad-field", name, text) from error

    def _wrong_samples(self, found: str) -> GraphError:
        names = ", ".join(f"'{name}': ..." for name in self.fields)
        text = f"found {found}, expected a mapping {{{names}}} of batched fields, or a list with one mapping a sample"
        return self._refusal("bad-field", "data_samples", text)

    def _refusal(self, code: str, subject: str, text: str) -> GraphError:
        return GraphError(Problem(code, Where(subject, mode=self.mode), text))

    def _demand(self, names: Sequence[str], given: Mapping[str, Any], what: str) -> None:
        problems = []
        for name in names:
            if name not in given:
                text = f"{what} has no '{name}', which {self.users.get(name, 'the output')} needs in {self.mode} mode; "
                text += f"it has {', '.join(map(repr, given)) or 'nothing'}"
                problems.append(Problem("missing-input" if what == "inputs" else "missing-field", Where(name), text))
        if problems:
            raise GraphError(problems)


def _counted(
    graph: Graph, program: Program, entries: Mapping[str, Entry], sizes: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """The name of the first axis of each input and field that is counted by it."""
    shapes = {name: entry.shape for name, entry in {**graph.inputs, **graph.data_samples}.items()}
    named: dict[str, str] = {}
    for name, entry in entries.items():
        shape = shapes.get(name)
        if shape and isinstance(shape[0], str) and entry.holds == "tensor":
            named[name] = shape[0]
    known = {**sizes, **shapes}
    for call in program.calls:
        for name, axis in _beside(call.arguments, call.component.input_by_name, known):
            if entries[name].holds == "tensor" and not shapes.get(name):
                named.setdefault(name, axis)
    batches = {named.get(name) for name in program.inputs}
    batch = batches.pop() if len(batches) == 1 else None
    for name, entry in entries.items():
        if entry.holds in ("image", "records") and batch is not None:
            named[name] = batch
    return iter(named.items())


def _beside(
    arguments: Sequence[tuple[str, Any]], ports: Mapping[str, Port], sizes: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """For each input that a call takes: how another wire of the call counts the same first axis."""
    first: dict[str, str] = {}
    taken: list[tuple[str, str]] = []
    for name, value in arguments:
        axis = (ports[name].axes or ("",))[0]
        if (
            isinstance(value, tuple)
            or value.index is not None
            or not axis[:1].isupper()
            or ports[name].type.is_sequence
        ):
            continue
        if value.port is None:
            taken.append((value.source, axis))
        shape = sizes.get(value.source if value.port is None else f"{value.source}.{value.port}")
        if shape and isinstance(shape[0], str) and shape[0].isidentifier():
            first.setdefault(axis, shape[0])
    return ((name, first[axis]) for name, axis in taken if axis in first)


def unknown_mode(graph: Graph, mode: Any) -> GraphError:
    """The error for a mode that a graph does not have."""
    where = Where(f"mode {mode!r}")
    if mode in MODES:
        has = ", ".join(graph.modes) or "none"
        text = f"this graph has no outputs for the mode '{mode}'; it has {has}; name some under outputs.{mode}"
        return GraphError(Problem("no-output", where, text))
    text = f"expected one of {', '.join(MODES)}; {suggestion(str(mode), MODES, 'modes')}"
    return GraphError(Problem("bad-mode", where, text))


def _stacked(value: Any, device: torch.device | None) -> Any:
    """A batched field given as a sequence: tensors are stacked, numbers become a tensor."""
    if isinstance(value, list | tuple) and value and all(isinstance(item, Tensor) for item in value):
        return torch.stack([*value])
    return torch.as_tensor(value, device=device)
