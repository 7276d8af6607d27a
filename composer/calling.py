"""What a caller may hand to a model, and how it becomes the arguments of a mode's forward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from composer.graph import MODES, Graph
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
    """

    mode: str
    graph_inputs: tuple[str, ...]
    inputs: tuple[str, ...]
    fields: tuple[str, ...]
    lists: frozenset[str]
    users: Mapping[str, str]

    @classmethod
    def of(cls, graph: Graph, program: Program, lists: frozenset[str]) -> "Signature":
        """The signature of a program."""
        users: dict[str, str] = {}
        for call in program.calls:
            for port, argument in call.arguments:
                for value in argument if isinstance(argument, tuple) else (argument,):
                    if value.port is None:
                        users.setdefault(value.source, f"{call.path}.{port}")
        return cls(program.mode, tuple(graph.inputs), program.inputs, program.data_samples, lists, users)

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

    def _inputs(self, inputs: Any) -> list[Any]:
        named: Mapping[str, Any]
        if isinstance(inputs, Mapping):
            named = inputs
        elif isinstance(inputs, Tensor):
            named = dict(zip(self.graph_inputs[:1], [inputs], strict=False))
        else:
            given = () if inputs is None else tuple(inputs)
            if len(given) > len(self.graph_inputs):
                expected = ", ".join(self.graph_inputs) or "none"
                text = f"got {len(given)} inputs, the graph has {len(self.graph_inputs)}: {expected}"
                raise GraphError(Problem("too-many-inputs", Where("inputs", mode=self.mode), text))
            named = dict(zip(self.graph_inputs, given, strict=False))
        self._demand(self.inputs, named, "inputs")
        return [named[name] for name in self.inputs]

    def _fields(self, data_samples: Any, like: Tensor | None) -> list[Any]:
        if isinstance(data_samples, Sequence) and not isinstance(data_samples, str):
            for position, sample in enumerate(data_samples):
                self._demand(self.fields, sample, f"data_samples[{position}]")
            named: Mapping[str, Any] = {name: [sample[name] for sample in data_samples] for name in self.fields}
        else:
            named = data_samples if data_samples is not None else {}
            self._demand(self.fields, named, "data_samples")
        device = like.device if isinstance(like, Tensor) else None
        return [
            named[name] if isinstance(named[name], Tensor) or name in self.lists else _stacked(named[name], device)
            for name in self.fields
        ]

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
        has = ", ".join(graph.modes)
        text = f"this graph has no outputs for the mode '{mode}'; it has {has}; name some under outputs.{mode}"
        return GraphError(Problem("no-output", where, text))
    text = f"expected one of {', '.join(MODES)}; {suggestion(str(mode), MODES, 'modes')}"
    return GraphError(Problem("bad-mode", where, text))


def _stacked(value: Any, device: torch.device | None) -> Any:
    """A batched field given as a sequence: tensors are stacked, numbers become a tensor."""
    if isinstance(value, list | tuple) and value and all(isinstance(item, Tensor) for item in value):
        return torch.stack([*value])
    return torch.as_tensor(value, device=device)
