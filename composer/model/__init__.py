"""A graph as an ordinary ``torch.nn.Module`` with three forward modes."""

import builtins
import hashlib
import linecache
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from composer.graph import FrozenDict, Graph, freeze
from composer.graph.file import dumps
from composer.graph.file.yamltext import MAX_BYTES
from composer.graph.plan import Momentum, Plan
from composer.model.emit import emit, function_name
from composer.model.momentum import momentum_update, scheduled_decay
from composer.model.weights import WeightsReport, compare, convert, put, read_weights, save_weights
from composer.ports import PortTypes, looked_at_once
from composer.run.arguments import Signature, unknown_mode
from composer.run.checks import explained, input_checks, refuse_bad_values
from composer.run.entries import Weights

__all__ = ["Model"]


class Model(nn.Module):
    """A compiled graph.

    Its children are the graph's nodes by id; a call of a subgraph is a child with its own children. So the names in its
    state dict begin with node ids. Made by ``composer.compile`` and ``composer.load``.

    Attributes:
        graph: The graph.
        code: For each mode the generated source that runs.
        functions: For each mode the compiled function of this source; it takes the model and the inputs that it needs.
        signatures: For each mode the inputs and data samples, and how they become the arguments of the function.
        node_params: Parameters of each module by path, with those taken from the wire.
        node_calls: For each mode the nodes that it runs, in order: their path, and the path of the called module.
        frozen_paths: Paths of the modules whose weights and statistics stay fixed.
        port_types: The types of its inputs and data samples, by name.
        weights_report: Which of the loaded weights matched; None before any were loaded.

    Args:
        graph: The graph.
        plan: Its plan.
        params: Parameters of each part by path, with those taken from the wire.
        types: The port types by name.
        sizes: For each mode the sizes of outputs by reference, as far as they are known.
    """

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        params: Mapping[str, Mapping[str, Any]],
        types: PortTypes,
        sizes: Mapping[str, Mapping[str, Any]] = FrozenDict(),
    ) -> None:
        super().__init__()
        self.graph = graph
        declared = {entry.type for entry in (*graph.inputs.values(), *graph.data_samples.values())}
        self.port_types = PortTypes({name: types[name] for name in declared if name in types})
        self.weights_report: WeightsReport | None = None
        self.node_params = FrozenDict({path: freeze(given) for path, given in params.items()})
        sources = {mode: emit(program, plan.momentum, graph.name) for mode, program in plan.programs.items()}
        self.code: Mapping[str, str] = FrozenDict({mode: source.text for mode, source in sources.items()})
        self.node_calls = FrozenDict(
            {mode: tuple((call.path, call.module) for call in one.calls) for mode, one in plan.programs.items()}
        )
        self._calls = {mode: source.calls for mode, source in sources.items()}
        self._checks = FrozenDict(
            {mode: input_checks(program, sizes.get(mode, {})) for mode, program in plan.programs.items()}
        )
        self.signatures = {
            mode: Signature.of(graph, program, types, sizes.get(mode, FrozenDict()))
            for mode, program in plan.programs.items()
        }
        self._momentum = FrozenDict(plan.momentum)
        self.frozen_paths = tuple(path for path, part in plan.parts.items() if part.frozen)
        self.functions = {mode: _function(mode, text) for mode, text in self.code.items()}

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> dict[str, Any]:
        """Run one mode.

        Args:
            inputs: A tensor, a sequence in the order of the graph's inputs, or a mapping by their names.
            data_samples: A mapping of batched fields by name, or a list with one mapping per sample, which is stacked.
                Needed only by modes that use a field.
            mode: ``tensor``, ``loss`` or ``predict``.

        Returns:
            The outputs of the mode by name. In loss mode these are scalars; training sums those whose name contains
            ``loss``, the others are for logging.

        Raises:
            GraphError: The graph has no such mode, an input or field is missing or of another kind, or a node cannot
                take a value. Everything is checked before anything is updated, except while compiling.
        """
        function = self.functions.get(str(mode))
        if function is None:
            raise unknown_mode(self.graph, mode)
        arguments = self.signatures[mode].arguments(inputs, data_samples)
        if torch.compiler.is_compiling():
            return function(self, *arguments)
        first = next(self.parameters(), None)
        self.signatures[mode].refuse_other_kinds(
            arguments, lambda: Weights.among(self.parameters()), Weights.among(() if first is None else (first,))
        )
        with looked_at_once():
            refuse_bad_values(self, self._checks[mode], arguments, mode)
            try:
                return function(self, *arguments)
            except Exception as error:
                found = explained(error, self._calls[mode], mode, self.signatures[mode].other_sizes(arguments))
                if found is error:
                    raise
                raise found from error

    def check_values(self, inputs: Any, data_samples: Any = None, mode: str = "loss") -> None:
        """Refuse arguments that a mode cannot take, without running it.

        A training loop checks a batch on the CPU, copies it to an accelerator, and runs the mode within
        ``composer.ports.values_checked()``, so that no check waits for the device.

        Args:
            inputs: As for ``forward``, on any device.
            data_samples: As for ``forward``.
            mode: The mode.

        Raises:
            GraphError: A component refuses a value, or an input or field is missing.
        """
        if str(mode) not in self.functions:
            raise unknown_mode(self.graph, mode)
        arguments = self.signatures[mode].arguments(inputs, data_samples)
        with looked_at_once():
            refuse_bad_values(self, self._checks[mode], arguments, mode)

    @property
    def copies(self) -> Mapping[str, Momentum]:
        """The momentum copies, by path."""
        return self._momentum

    def train(self, mode: bool = True) -> "Model":
        """Set training mode; frozen nodes stay as they are."""
        super().train(mode)
        for path in self.frozen_paths:
            self.get_submodule(path).eval()
        return self

    def save(self, path: str | Path, state: Mapping[str, Tensor] | None = None) -> None:
        """Write weights and graph as one safetensors file, for ``composer.load``.

        Parameters that were taken from the wire are written out. The file is replaced atomically.

        Args:
            path: The file.
            state: Weights to write instead of its own, under the same names, such as a moving average, or weights that
                were gathered from several processes.
        """
        written = {
            name: replace(node, params=self.node_params.get(name, node.params))
            for name, node in self.graph.nodes.items()
            if node.weights.rule == "own"
        }
        text = dumps(self.graph.with_nodes(written))
        if len(text.encode()) > MAX_BYTES:  # what was read without them can be read again, and says the same
            text = dumps(self.graph)
        save_weights(self.state_dict() if state is None else state, path, text)

    def load_weights(
        self,
        source: str | Path | Mapping[str, Tensor],
        *,
        strict: bool = True,
        dtype: torch.dtype | None = None,
        allow_pickle: bool = False,
    ) -> WeightsReport:
        """Load weights from a file or a state dict into this model.

        Args:
            source: A safetensors file, a torch file (with ``allow_pickle``), or tensors by name.
            strict: Refuse weights that do not fit; otherwise load those that match.
            dtype: Convert weights and model to it. Without it weights of another dtype are refused.
            allow_pickle: Whether a torch file may be read.

        Returns:
            The entries that matched, are missing or have another shape, node by node.

        Raises:
            GraphError: The weights do not fit.
        """
        given = source if isinstance(source, Mapping) else read_weights(source, allow_pickle=allow_pickle)
        state = convert(given, dtype)
        report = compare(self, state, tuple(self.graph.nodes))
        if dtype is not None:  # what is converted openly is no difference
            kinds = {
                name: pair for name, pair in report.dtypes.items() if not all(one.is_floating_point for one in pair)
            }
            report = replace(report, dtypes=kinds)
        label = "state dict" if isinstance(source, Mapping) else str(source)
        put(self, state, report, strict=strict, source=label, assign=False)
        if dtype is not None:
            self.to(dtype)
        self.weights_report = report
        return report

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "functions"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.functions = {mode: _function(mode, text) for mode, text in self.code.items()}


def _function(mode: str, text: str) -> Callable[..., dict[str, Any]]:
    """Run generated source; a traceback can point into it."""
    name = f"<composer {mode} {hashlib.sha256(text.encode()).hexdigest()[:12]}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space: dict[str, Any] = {"torch": torch}
    space |= {function.__name__: function for function in (momentum_update, scheduled_decay)}
    exec(builtins.compile(text, name, "exec"), space)  # noqa: S102 - emit lets only plain ids into the text
    found: Callable[..., dict[str, Any]] = space.pop(function_name(mode))  # it holds the space, not both each other
    return found
