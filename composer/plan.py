"""From a checked graph to programs: for each mode the calls it needs, in order, with subgraphs expanded.

A program runs only what the outputs of its mode need. Whose module a call uses, which modules are momentum copies and
what each optional input is wired to in a mode is all settled here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx

from composer.catalog import Catalog
from composer.component import Component
from composer.graph import Graph, Node, Ref, Subgraph, Weights, Wire, wire_in_mode
from composer.templates import LEFT_OUT, fill

__all__ = ["Call", "Momentum", "Part", "Plan", "Program", "Value", "plan"]


@dataclass(frozen=True, slots=True)
class Value:
    """What flows into an argument: an output of a call, one level of it, or an input of the graph (no port)."""

    source: str
    port: str | None = None
    index: int | None = None

    def __str__(self) -> str:
        port = "" if self.port is None else f".{self.port}"
        index = "" if self.index is None else f"[{self.index}]"
        return f"{self.source}{port}{index}"


Argument = Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a module.

    Args:
        path: Ids from the top, joined by dots: ``roi_head.bbox_head``.
        module: Path of the module that is called; another one than ``path`` where weights are shared.
        component: The component.
        arguments: The wired input ports, in the order of ``forward``.
        momentum: Path of the momentum copy that the module belongs to, if it does.
    """

    path: str
    module: str
    component: Component
    arguments: tuple[tuple[str, Argument], ...]
    momentum: str | None = None

    def values(self) -> Iterator[Value]:
        """Every value that the call takes."""
        for _, argument in self.arguments:
            yield from (argument,) if isinstance(argument, Value) else argument


@dataclass(frozen=True, slots=True)
class Part:
    """A module to build.

    Args:
        path: Where it stands in the model; its state-dict keys begin with it.
        component: What it is an instance of.
        params: Its parameters as given in the graph; some may be left to the wire.
        frozen: Whether its weights and statistics stay fixed.
        copy_of: Path of the module that it is a momentum copy of.
    """

    path: str
    component: Component
    params: Mapping[str, Any]
    frozen: bool = False
    copy_of: str | None = None


@dataclass(frozen=True, slots=True)
class Momentum:
    """A module, or the inside of a subgraph, that follows another one as an exponential moving average.

    Args:
        target: Path of the copy.
        source: Path of what it follows.
        decay: What it keeps of itself.
        update: ``before`` or ``after``.
        end_decay: What it keeps at the end of training; None where that is ``decay``.
    """

    target: str
    source: str
    decay: float
    update: str
    end_decay: float | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """The ordered calls of one mode.

    Args:
        mode: The mode.
        inputs: Names of the graph inputs it uses.
        data_samples: Names of the data-sample fields it uses.
        calls: The calls, each after all that it takes.
        outputs: What it returns, by name.
        aliases: What each output port of a called subgraph is, by reference (``encoder.out``).
    """

    mode: str
    inputs: tuple[str, ...]
    data_samples: tuple[str, ...]
    calls: tuple[Call, ...]
    outputs: tuple[tuple[str, Value], ...]
    aliases: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The programs of a graph by mode, the modules they call and the momentum copies among these."""

    programs: Mapping[str, Program]
    parts: Mapping[str, Part]
    momentum: Mapping[str, Momentum]


def plan(graph: Graph, catalog: Catalog) -> Plan:
    """Settle every mode of a graph that ``check`` accepts.

    The order of the calls is that of the file wherever the wires allow it.
    """
    top = _Scope("", graph.nodes, {**graph.inputs, **graph.data_samples}, graph.graphs, catalog)
    programs = {mode: _program(graph, top, mode) for mode in graph.modes}
    parts: dict[str, Part] = {}
    momentum: dict[str, Momentum] = {}
    for program in programs.values():
        for call in program.calls:
            _add_part(top, call.module, parts, momentum)
    ordered = sorted(parts, key=top.order)
    return Plan(programs, {path: parts[path] for path in ordered}, momentum)


@dataclass(slots=True)
class _Scope:
    """One level of a graph that is being expanded: the top, or the inside of one call of a subgraph."""

    path: str
    nodes: Mapping[str, Node]
    inputs: Mapping[str, Any]
    graphs: Mapping[str, Subgraph]
    catalog: Catalog
    outer: "_Scope | None" = None
    wires: Mapping[str, Wire] = field(default_factory=dict)
    outputs: Mapping[str, Wire] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    inner: dict[str, "_Scope"] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)

    def root(self, name: str) -> str:
        """The node whose module a node uses: itself, or the one at the end of its ``share`` chain."""
        while self.nodes[name].weights.rule == "share":
            name = str(self.nodes[name].weights.source)
        return name

    def origin(self, name: str) -> Node:
        """The node that says what a node is: the source of its weights, or itself."""
        node = self.nodes[name]
        while node.type is None and node.graph is None and node.weights.source is not None:
            node = self.nodes[node.weights.source]
        return node

    def params(self, name: str) -> Mapping[str, Any]:
        """A node's parameters, with the subgraph's own put in; those without a value are left out."""
        node = self.nodes[name]
        given = node.params if node.weights.rule == "own" else {**self.origin(name).params, **node.params}
        if self.outer is None:
            return given
        filled = {key: fill(value, self.values) for key, value in given.items()}
        return {key: value for key, value in filled.items() if value is not LEFT_OUT}

    def enter(self, name: str) -> "_Scope":
        """The inside of a call of a subgraph."""
        if name not in self.inner:
            body = self.graphs[str(self.origin(name).graph)]
            self.inner[name] = _Scope(
                path=f"{self.path}{name}.",
                nodes=body.nodes,
                inputs=body.inputs,
                graphs=self.graphs,
                catalog=self.catalog,
                outer=self,
                wires=self.nodes[name].inputs,
                outputs=body.outputs,
                values={**body.params, **self.params(name)},
            )
        return self.inner[name]

    def resolve(self, ref: Ref, mode: str) -> Argument | None:
        """What a reference in this scope is in a mode; None where an input of the subgraph has no wire."""
        if ref.source in self.inputs:
            if self.outer is None:
                return Value(ref.source, None, ref.index)
            wire = self.wires.get(ref.source)
            found = None if wire is None else self.outer.resolve_wire(wire, mode)
            return _indexed(found, ref.index)
        if self.origin(ref.source).graph is not None:
            scope = self.enter(ref.source)
            port = ref.port or next(iter(scope.outputs))
            return _indexed(scope.resolve_wire(scope.outputs[port], mode), ref.index)
        component = self.catalog[str(self.origin(ref.source).type)]
        return Value(self.path + ref.source, ref.port or component.outputs[0].name, ref.index)

    def resolve_wire(self, wire: Wire, mode: str) -> Argument | None:
        """What a wire carries in a mode."""
        here = wire_in_mode(wire, mode)
        if here is None or isinstance(here, Ref):
            return None if here is None else self.resolve(here, mode)
        found: list[Value] = []
        for ref in here:
            value = self.resolve(ref, mode)
            found.extend(() if value is None else (value,) if isinstance(value, Value) else value)
        return tuple(found)

    def locate(self, path: str) -> "tuple[_Scope, str]":
        """The scope and the id of a call, from its path."""
        scope: _Scope = self
        *outer, name = path.split(".")
        for part in outer:
            scope = scope.enter(part)
        return scope, name

    def order(self, path: str) -> tuple[int, ...]:
        """Where a call stands in the file."""
        scope: _Scope = self
        found = []
        names = path.split(".")
        for depth, name in enumerate(names):
            if not scope.positions:
                scope.positions.update((other, position) for position, other in enumerate(scope.nodes))
            found.append(scope.positions[name])
            if depth < len(names) - 1:
                scope = scope.enter(name)
        return tuple(found)


def _indexed(value: Argument | None, index: int | None) -> Argument | None:
    if value is None or index is None:
        return value
    if isinstance(value, Value):
        return replace(value, index=index)
    return value[index]


def _program(graph: Graph, top: _Scope, mode: str) -> Program:
    outputs: list[tuple[str, Value]] = []
    for name, ref in graph.outputs[mode].items():
        value = top.resolve(ref, mode)
        if isinstance(value, Value):
            outputs.append((name, value))
    calls: dict[str, Call] = {}
    pending = [value for _, value in outputs]
    used: set[str] = set()
    while pending:
        value = pending.pop()
        if value.port is None:
            used.add(value.source)
        elif value.source not in calls:
            calls[value.source] = call = _call(top, value.source, mode)
            pending.extend(call.values())
    return Program(
        mode,
        tuple(name for name in graph.inputs if name in used),
        tuple(name for name in graph.data_samples if name in used),
        tuple(calls[path] for path in _ordered(top, calls)),
        tuple(outputs),
        tuple(_aliases(top, calls, mode)),
    )


def _aliases(top: _Scope, calls: Mapping[str, Call], mode: str) -> Iterator[tuple[str, Value]]:
    called = dict.fromkeys(path.rsplit(".", depth)[0] for path in calls for depth in range(1, path.count(".") + 1))
    for path in called:
        scope = top.locate(path + ".")[0]
        for port, wire in scope.outputs.items():
            value = scope.resolve_wire(wire, mode)
            if isinstance(value, Value) and (value.port is None or value.source in calls):
                yield f"{path}.{port}", value


def _call(top: _Scope, path: str, mode: str) -> Call:
    scope, name = top.locate(path)
    component = scope.catalog[str(scope.origin(name).type)]
    wires = scope.nodes[name].inputs
    arguments: list[tuple[str, Argument]] = []
    for port in component.inputs:
        wire = wires.get(port.name)
        value = None if wire is None else scope.resolve_wire(wire, mode)
        if value is not None:
            many = (value,) if port.variadic and isinstance(value, Value) else value
            arguments.append((port.name, many))
    module, momentum = _module(top, path)
    return Call(path, module, component, tuple(arguments), momentum.target if momentum else None)


def _module(top: _Scope, path: str) -> tuple[str, Momentum | None]:
    """The module that a call uses, and the momentum copy that this module belongs to."""
    scope: _Scope = top
    momentum: Momentum | None = None
    names = path.split(".")
    found: list[str] = []
    for depth, name in enumerate(names):
        root = scope.root(name)
        weights = scope.nodes[root].weights
        found.append(root)
        if weights.rule == "momentum" and momentum is None:
            momentum = _momentum(scope, found, weights)
        if depth < len(names) - 1:
            scope = scope.enter(root)
    return ".".join(found), momentum


def _momentum(scope: _Scope, found: list[str], weights: Weights) -> Momentum:
    source = [*found[:-1], scope.root(str(weights.source))]
    return Momentum(".".join(found), ".".join(source), weights.decay, weights.update, weights.end_decay)


def _add_part(top: _Scope, path: str, parts: dict[str, Part], momentum: dict[str, Momentum]) -> None:
    if path in parts:
        return
    scope, name = top.locate(path)
    _, copied = _module(top, path)
    component = scope.catalog[str(scope.origin(name).type)]
    source = None
    if copied is not None:
        momentum[copied.target] = copied
        source = copied.source + path[len(copied.target) :]
        _add_part(top, source, parts, momentum)
    parts[path] = Part(path, component, scope.params(name), _frozen(top, path), source)


def _frozen(top: _Scope, path: str) -> bool:
    scope: _Scope = top
    names = path.split(".")
    for depth, name in enumerate(names):
        if scope.nodes[name].frozen:
            return True
        if depth < len(names) - 1:
            scope = scope.enter(name)
    return False


def _ordered(top: _Scope, calls: Mapping[str, Call]) -> Iterable[str]:
    """The calls in the order of the file, moved only where a wire asks for it; a source before its momentum copy."""
    dag: nx.DiGraph[str] = nx.DiGraph()
    dag.add_nodes_from(calls)
    dag.add_edges_from((value.source, call.path) for call in calls.values() for value in call.values() if value.port)
    hard = list(dag.edges)
    by_module: dict[str, list[str]] = {}
    for call in calls.values():
        by_module.setdefault(call.module, []).append(call.path)
    for call in calls.values():
        if call.momentum is not None:
            _, momentum = _module(top, call.path)
            source = momentum.source + call.module[len(momentum.target) :] if momentum else ""
            dag.add_edges_from((path, call.path) for path in by_module.get(source, ()))
    if not nx.is_directed_acyclic_graph(dag):
        dag = nx.DiGraph(hard)
        dag.add_nodes_from(calls)
    return list(nx.lexicographical_topological_sort(dag, key=top.order))
