"""What a caller may hand to a model, and how it becomes the arguments of a mode's forward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from composer.graph import MODES, FrozenDict, Graph
from composer.plan import Program
from composer.problems import GraphError, Problem, Where, suggestion

__all__ = ["Signature", "unknown_mode"]


@dataclass(frozen=True)
class Signature:
    """The inputs and data-sample fields that one mode takes.

    Args:
        mode: The mode.
        graph_inputs: Names of all inputs of the graph, in order.
        inputs: Names of those that the mode uses.
        fields: Names of the data-sample fields that it uses.
        lists: Those fields that hold one entry an image and are never stacked.
        users: For each name the node and port that take it.
        optional: Those fields that only optional ports take; one that is not given is None, as without a wire.
        counted: For each input and field whose first axis has a name (``B``), that name. The entries of a list are
            counted like the samples of the inputs, where all of those are counted by one name.
        axes: For each input and field the axes that it has, as it declares them or as the port that takes it does;
            nothing is said of those that may have any number.
        pictures: The inputs of the type Image; their second axis, the channels, is as it is declared.
    """

    mode: str
    graph_inputs: tuple[str, ...]
    inputs: tuple[str, ...]
    fields: tuple[str, ...]
    lists: frozenset[str]
    users: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    counted: Mapping[str, str] = FrozenDict()
    axes: Mapping[str, tuple[int | str, ...]] = FrozenDict()
    pictures: frozenset[str] = frozenset()

    @classmethod
    def of(cls, graph: Graph, program: Program, lists: frozenset[str]) -> "Signature":
        """The signature of a program."""
        users: dict[str, str] = {}
        shapes = {name: entry.shape for name, entry in {**graph.inputs, **graph.data_samples}.items()}
        axes = {name: tuple(shape) for name, shape in shapes.items() if shape}
        needed = {value.source for _, value in program.outputs}
        for call in program.calls:
            for port, argument in call.arguments:
                for value in argument if isinstance(argument, tuple) else (argument,):
                    if value.port is None:
                        users.setdefault(value.source, f"{call.path}.{port}")
                        taken = call.component.input_by_name[port]
                        if taken.axes and not taken.type.is_sequence:
                            axes.setdefault(value.source, taken.axes)
                        if not taken.optional:
                            needed.add(value.source)
        optional = frozenset(program.data_samples) - needed
        counted = {name: shape[0] for name, shape in shapes.items() if shape and isinstance(shape[0], str)}
        counted = {name: axis for name, axis in counted.items() if name not in lists}
        names = {counted.get(name) for name in program.inputs}
        if len(names) == 1 and None not in names:
            counted |= dict.fromkeys(lists, str(names.pop()))
        fixed = {name: found for name, found in axes.items() if name not in lists and "..." not in found}
        pictures = frozenset(name for name, entry in graph.inputs.items() if entry.type == "Image")
        arguments = (program.inputs, program.data_samples)
        return cls(
            program.mode, tuple(graph.inputs), *arguments, lists, users, optional, counted, FrozenDict(fixed), pictures
        )

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
        return found

    def refuse_sizes(self, arguments: Sequence[Any]) -> None:
        """Refuse what cannot be meant: other axes or channels, pictures of integers, uneven numbers of samples.

        Args:
            arguments: The arguments of the mode's forward.

        Raises:
            GraphError: There are some.
        """
        for name, value in zip((*self.inputs, *self.fields), arguments, strict=True):
            if isinstance(value, Tensor):
                self._refuse_axes(name, value)
        self._refuse_uneven(arguments)

    def _refuse_axes(self, name: str, value: Tensor) -> None:
        axes, picture = self.axes.get(name), name in self.pictures
        if axes is not None and value.dim() != len(axes):
            text = f"found {value.dim()} axes ({_sizes(value)}), expected {len(axes)} ({' '.join(map(str, axes))})"
            if picture and value.dim() + 1 == len(axes):
                text += f"; one picture becomes a batch with {name}[None]"
            raise self._refusal("bad-input", name, text + self._taken_by(name))
        if picture and axes is not None and len(axes) == 4 and isinstance(axes[1], int) and value.shape[1] != axes[1]:
            text = f"found {value.shape[1]} channels ({_sizes(value)}), expected {axes[1]}"
            raise self._refusal("bad-input", name, text + self._taken_by(name))
        if picture and not value.is_floating_point():
            text = f"found numbers of {value.dtype}, expected floats: convert them with .float(), and normalise them"
            raise self._refusal("bad-input", name, text + self._taken_by(name))

    def _taken_by(self, name: str) -> str:
        return f"; it goes to {self.users[name]}" if name in self.users else ""

    def _refuse_uneven(self, arguments: Sequence[Any]) -> None:
        first: dict[str, tuple[str, int]] = {}
        for name, value in zip((*self.inputs, *self.fields), arguments, strict=True):
            axis = self.counted.get(name)
            if axis is None or value is None or (isinstance(value, Tensor) and value.dim() == 0):
                continue
            found = len(value)
            if found == 0 and self.mode == "loss":
                raise self._refusal("bad-input", name, f"found no samples, expected at least one{self._taken_by(name)}")
            other, count = first.setdefault(axis, (name, found))
            if found == count:
                continue
            if name in self.lists:
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
            named = dict(zip(self.graph_inputs, self._counted(inputs or ()), strict=False))
        else:
            text = f"found {_kind(inputs)}, expected a tensor, a list in the order of the graph's inputs, or a mapping"
            raise self._refusal("bad-input", "inputs", text)
        self._demand(self.inputs, named, "inputs")
        return [named[name] for name in self.inputs]

    def _counted(self, inputs: Sequence[Any]) -> Sequence[Any]:
        if len(inputs) > len(self.graph_inputs):
            expected = ", ".join(self.graph_inputs) or "none"
            text = f"got {len(inputs)} inputs, the graph has {len(self.graph_inputs)}: {expected}"
            if all(isinstance(item, Tensor) and item.dim() == 3 for item in inputs):
                text += "; pictures become a batch with torch.stack"
            raise self._refusal("too-many-inputs", "inputs", text)
        return inputs

    def _fields(self, data_samples: Any, like: Any) -> list[Any]:
        if isinstance(data_samples, list | tuple):
            if not data_samples or not all(isinstance(sample, Mapping) for sample in data_samples):
                found = f"a list of {_kind(data_samples[0])}" if data_samples else "an empty list"
                raise self._wrong_samples(found)
            for position, sample in enumerate(data_samples):
                self._demand(self._needed, sample, f"data_samples[{position}]")
            given = [name for name in self.fields if all(name in sample for sample in data_samples)]
            named: Mapping[str, Any] = {name: [sample[name] for sample in data_samples] for name in given}
        elif data_samples is None or isinstance(data_samples, Mapping):
            named = data_samples or {}
            self._demand(self._needed, named, "data_samples")
        else:
            raise self._wrong_samples(_kind(data_samples))
        device = like.device if isinstance(like, Tensor) else None
        return [self._field(name, named.get(name), device) for name in self.fields]

    @property
    def _needed(self) -> tuple[str, ...]:
        return tuple(name for name in self.fields if name not in self.optional)

    def _field(self, name: str, value: Any, device: torch.device | None) -> Any:
        if isinstance(value, Tensor) or (value is None and name in self.optional):
            return value
        if name in self.lists:
            return self._entries(name, value)
        try:
            return _stacked(value, device)
        except (RuntimeError, TypeError, ValueError) as error:
            text = f"its entries do not make one tensor: {str(error).splitlines()[0]}"
            raise self._refusal("bad-field", name, text) from error

    def _entries(self, name: str, value: Any) -> Any:
        odd = [value]
        if isinstance(value, list | tuple):
            odd = [one for one in value if not isinstance(one, Tensor | Mapping)]
        if odd:
            where = "" if odd[0] is value else " among its entries"
            text = f"found {_kind(odd[0])}{where}, expected a list of tensors, one a sample"
            raise self._refusal("bad-field", name, text)
        return value

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


def _sizes(value: Tensor) -> str:
    return " ".join(map(str, value.shape)) or "one number"


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return "a tensor"
    return f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")
