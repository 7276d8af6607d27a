"""Sizes, parameters and FLOPs of every port and node, without computing a single number.

Each module is built on the meta device and called on meta tensors, for two batch sizes. What a component gives for some
parameters and input sizes is kept by content, so after one edit only what it touches is run again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from composer.catalog import Catalog
from composer.catalog.component import Port
from composer.catalog.limits import Limits
from composer.graph import FrozenDict, Graph, Input
from composer.graph.link import LinkedGraph, link
from composer.graph.plan import Argument, Call, Part, Plan, Program, Value, plan
from composer.ports import AnyTensor, port_type
from composer.problems import Problem, Where
from composer.rules import check
from composer.rules.report import where_of
from composer.rules.sizes.axes import Mismatch, axis_of
from composer.rules.sizes.outcome import Outcome, evaluate, outputs_of, refused_inputs
from composer.rules.sizes.runnable import runnable
from composer.rules.sizes.size_problems import index_problem, mismatch_problem, node_problem, value_problem
from composer.rules.sizes.sizes import (
    BATCHES,
    FREE_SIZE,
    PerImage,
    Probe,
    changed_sizes,
    free_sizes,
    in_free_sizes,
    shape_text,
)

__all__ = ["NodeSize", "Shapes", "infer_shapes"]

CACHE_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class NodeSize:
    """What one node holds and costs.

    Args:
        type: Type name of its component.
        params: Its parameters, with those taken from the wire.
        parameters: How many numbers its own weights hold; 0 for a node that shares another's.
        trainable: How many of these are trained.
        bytes: Bytes of its weights and buffers.
        flops: Floating-point operations of one sample in each mode that runs it (a multiply-add counts as 2).
    """

    type: str
    params: Mapping[str, Any]
    parameters: int = 0
    trainable: int = 0
    bytes: int = 0
    flops: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shapes:
    """What flows through a graph.

    Args:
        nodes: Every node that could be run, by path, in the order of the file.
        ports: For each mode the sizes on each output port, by reference (``backbone.out``, or the name of an input).
            A sequence has a tuple of sizes; None stands for what cannot be known before running. What follows the
            batch or another free size is a text: ``B``, ``H/32``, or ``~196`` where it follows in another way.
        problems: What ``check`` found, and every size that does not fit.
    """

    nodes: Mapping[str, NodeSize]
    ports: Mapping[str, Mapping[str, Any]]
    problems: Sequence[Problem]

    def __getitem__(self, reference: str) -> Any:
        """The sizes of a port in the first mode that has it: ``shapes["backbone.out"]``."""
        for ports in self.ports.values():
            if reference in ports:
                return ports[reference]
        raise KeyError(reference)

    def get(self, reference: str) -> Any:
        """The same, or None where the reference is not known."""
        return next((ports[reference] for ports in self.ports.values() if reference in ports), None)

    def __contains__(self, reference: str) -> bool:
        return any(reference in ports for ports in self.ports.values())

    @property
    def parameters(self) -> int:
        """Parameters of the whole model."""
        return sum(node.parameters for node in self.nodes.values())

    def flops(self, mode: str) -> int:
        """Floating-point operations of one sample in a mode."""
        return sum(node.flops.get(mode, 0) for node in self.nodes.values())


def infer_shapes(
    graph: Graph,
    catalog: Catalog | None = None,
    *,
    limits: Limits | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Shapes:
    """Sizes of every port, parameters and FLOPs of every node, and every problem of the graph.

    A graph with problems is inferred as far as possible: wrong nodes, and those after them, are left out.

    Args:
        graph: The graph.
        catalog: The components; by default those that come with composer.
        limits: How much a graph may declare.
        sizes: Free sizes other than the batch, by name (``{"H": 512, "W": 512}``). The others count as 224 where a
            number is needed, as for FLOPs.
    """
    linked = link(graph, Catalog.default() if catalog is None else catalog)
    return linked.once(_inferred, limits or Limits(), FrozenDict(sizes or {}))


def _inferred(linked: LinkedGraph, limits: Limits, given: Mapping[str, int]) -> Shapes:
    graph, catalog = linked.graph, linked.catalog
    problems = check(graph, catalog, limits)
    planned = plan(runnable(linked, problems), catalog)
    found = _Inference(linked, planned, limits, given, problems).run()
    others = {
        name: _Inference(linked, planned, limits, {**given, **changed}, problems).run().ports
        for name, changed in changed_sizes(free_sizes(graph) - given.keys()).items()
    }
    return replace(found, ports=_in_free_sizes(found.ports, others)) if others else found


class _Inference:
    """One pass over the programs of all modes."""

    def __init__(
        self,
        linked: LinkedGraph,
        planned: Plan,
        limits: Limits,
        sizes: Mapping[str, int],
        problems: Sequence[Problem],
    ) -> None:
        self.linked = linked
        self.graph = linked.running
        self.plan = planned
        self.cache = linked.catalog.cache
        self.types = linked.catalog.port_types
        self.limits = limits
        self.sizes = sizes
        self.problems = list(problems)
        self.nodes: dict[str, NodeSize] = {}
        self.params: dict[str, Mapping[str, Any]] = {}
        self.reported: set[tuple[Any, ...]] = set()
        self.bytes = 0

    def run(self) -> Shapes:
        ports = {mode: self._mode(mode, program) for mode, program in self.plan.programs.items()}
        if not any(problem.severity == "error" for problem in self.problems):
            self._report_missing()
        ordered = {path: self.nodes[path] for path in self.plan.parts if path in self.nodes}
        ordered |= self.nodes
        return Shapes(ordered, ports, self.problems)

    def _mode(self, mode: str, program: Program) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        for name, entry in (*self.graph.inputs.items(), *self.graph.data_samples.items()):
            values[name] = self._input(entry)
        returned = {value.source for _, value in program.outputs}
        needed = _ancestors(program, returned) if mode in self.graph.modes else set()
        for call in program.calls:
            self._check_indexes(call, values)
            arguments = [(call.component.input_by_name[name], _take(values, item)) for name, item in call.arguments]
            outcome = self._call(call, arguments)
            refused = refused_inputs(call, outcome.params, lambda value: _take(values, value), self.limits)
            if refused is None:
                self._report(call, outcome, arguments, mode)
            else:
                self._report_refused(call, refused, mode)
            self._count(call, outcome, mode if call.path in needed else None)
            for port, value in zip(call.component.outputs, outputs_of(call.component, outcome), strict=True):
                values[f"{call.path}.{port.name}"] = value
        values.update((reference, _take(values, value)) for reference, value in program.aliases)
        self._check_losses(mode, program, values)
        return {reference: _shape(value) for reference, value in values.items()}

    def _check_losses(self, mode: str, program: Program, values: Mapping[str, Any]) -> None:
        if mode != "loss" or mode not in self.graph.modes:
            return
        for name, ref in self.graph.outputs[mode].items():
            value = dict(program.outputs).get(name)
            found = None if value is None else _take(values, value)
            if isinstance(found, tuple) or (isinstance(found, Probe) and found.first != ()):
                path = ("outputs", mode, name)
                where = where_of(self.graph, path, f"outputs.loss.{name}", node=ref.source, mode=mode)
                sizes = shape_text(_shape(found))
                text = f"a loss is a scalar, {ref} has the sizes {sizes}; reduce it, for example by Mean"
                self.problems.append(Problem("loss-not-scalar", where, text))

    def _input(self, entry: Input) -> Any:
        if entry.shape is None:
            return None
        first, second = (
            tuple(self._size(size, batch) if isinstance(size, str) else size for size in entry.shape)
            for batch in BATCHES
        )
        kind = self.types.get(entry.type, port_type(AnyTensor))
        if kind.is_sequence and kind.entries == "image":
            return PerImage(first, kind.dtype)
        return Probe(first, second, kind.dtype)

    def _size(self, name: str, batch: int) -> int:
        return batch if name == "B" else self.sizes.get(name, FREE_SIZE)

    def _call(self, call: Call, arguments: list[tuple[Port, Any]]) -> Outcome:
        part = self.plan.parts[call.module]
        given = self.params.get(call.module) or self._params(part, arguments)
        key = (part.component, repr(given), tuple((port.name, value) for port, value in arguments))
        outcome = self.cache.get(key)
        if outcome is None:
            outcome = evaluate(part.component, given, arguments, self.limits)
            if len(self.cache) >= CACHE_LIMIT:
                self.cache.clear()
            if not outcome.needs_package:  # it may be installed while a server runs
                self.cache[key] = outcome
        self.params.setdefault(call.module, given)
        return outcome

    def _params(self, part: Part, arguments: list[tuple[Port, Any]]) -> Mapping[str, Any]:
        """A part's parameters, with those left out taken from the wire."""
        if part.copy_of in self.params:
            return self.params[part.copy_of]
        params = dict(part.params)
        values = {port.name: value for port, value in arguments}
        for name, (port, _) in part.component.from_wire.items():
            if name not in params and (size := axis_of(port, values.get(port.name), name)) is not None:
                params[name] = size
        return params

    def _count(self, call: Call, outcome: Outcome, mode: str | None) -> None:
        before = self.nodes.get(call.path)
        flops = {} if before is None else dict(before.flops)
        if mode is not None:
            flops[mode] = outcome.flops
        if before is not None:
            self.nodes[call.path] = replace(before, flops=flops)
            return
        if call.path != call.module:
            self.nodes[call.path] = NodeSize(call.component.name, outcome.params, flops=flops)
            return
        part = self.plan.parts[call.module]
        trainable = 0 if part.frozen or part.copy_of else outcome.trainable
        held = (outcome.parameters, trainable, outcome.bytes)
        self.nodes[call.path] = NodeSize(call.component.name, outcome.params, *held, flops)
        self._add_bytes(outcome.bytes)

    def _add_bytes(self, count: int) -> None:
        before, self.bytes = self.bytes, self.bytes + count
        if before <= self.limits.parameter_bytes < self.bytes:
            text = (
                f"the nodes up to here hold {self.bytes / 2**30:,.1f} GiB of parameters, the limit is "
                f"{self.limits.parameter_bytes / 2**30:,.1f} GiB; a caller can raise it: "
                f"Limits(parameter_bytes={2 * self.bytes})"
            )
            self.problems.append(Problem("too-many-parameters", Where("graph"), text))

    def _report(self, call: Call, outcome: Outcome, arguments: list[tuple[Port, Any]], mode: str) -> None:
        """Report each fault once; with its mode only where the node's wires differ between modes."""
        if not outcome.faults:
            return
        shown = mode if self._differs_by_mode(call) else None
        for fault in outcome.faults:
            key = (call.path, shown, str(fault))
            if key in self.reported:
                continue
            self.reported.add(key)
            if isinstance(fault, Mismatch):
                self.problems.append(mismatch_problem(self.linked, call, fault, outcome.params, shown))
            else:
                code, found = fault
                sizes = "; ".join(f"{item.name} {shape_text(_shape(value))}" for item, value in arguments)
                self.problems.append(node_problem(self.linked, call, code, found, sizes, shown))

    def _report_refused(self, call: Call, refused: ValueError, mode: str) -> None:
        """Report once what a component refuses of what a caller will hand to it."""
        key = (call.path, str(refused))
        if key not in self.reported:
            self.reported.add(key)
            self.problems.append(value_problem(self.linked, call, refused, mode))

    def _report_missing(self) -> None:
        """Report the parameters that no wire could give although nothing is wrong: sizes that nobody declared."""
        for program in self.plan.programs.values():
            for call in program.calls:
                given = self.params.get(call.module, {})
                for item in call.component.parameters:
                    key = (call.path, item.name)
                    if item.required and item.name not in given and key not in self.reported:
                        self.reported.add(key)
                        found = node_problem(self.linked, call, "missing-parameter", item.name, "", None)
                        self.problems.append(found)

    def _differs_by_mode(self, call: Call) -> bool:
        calls = [found for program in self.plan.programs.values() for found in program.calls if found.path == call.path]
        return any(found.arguments != call.arguments for found in calls)

    def _check_indexes(self, call: Call, values: Mapping[str, Any]) -> None:
        if all(value.index is None for value in call.values):
            return
        for name, argument in call.arguments:
            for value in (argument,) if isinstance(argument, Value) else argument:
                levels = values.get(value.source if value.port is None else f"{value.source}.{value.port}")
                if value.index is None or not isinstance(levels, tuple):
                    continue
                key = (call.path, name, str(value))
                if not -len(levels) <= value.index < len(levels) and key not in self.reported:
                    self.reported.add(key)
                    self.problems.append(index_problem(self.linked, call, name, value, len(levels)))


def _in_free_sizes(
    ports: Mapping[str, Mapping[str, Any]], others: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> Mapping[str, Mapping[str, Any]]:
    return {
        mode: {
            reference: in_free_sizes(sizes, {name: found[mode].get(reference) for name, found in others.items()})
            for reference, sizes in here.items()
        }
        for mode, here in ports.items()
    }


def _take(values: Mapping[str, Any], argument: Argument) -> Any:
    if isinstance(argument, tuple):
        return tuple(_take(values, value) for value in argument)
    found = values.get(argument.source if argument.port is None else f"{argument.source}.{argument.port}")
    if argument.index is None:
        return found
    fits = isinstance(found, tuple) and -len(found) <= argument.index < len(found)
    return found[argument.index] if fits and isinstance(found, tuple) else None


def _shape(value: Any) -> Any:
    if isinstance(value, Probe | PerImage):
        return value.shape
    return tuple(map(_shape, value)) if isinstance(value, tuple) else None


def _ancestors(program: Program, returned: set[str]) -> set[str]:
    needed = set(returned)
    for call in reversed(program.calls):
        if call.path in needed:
            needed.update(value.source for value in call.values)
    return needed
