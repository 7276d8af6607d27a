"""From a checked graph to programs: for each mode the calls it needs, in order, with subgraphs expanded.

A program runs only what the outputs of its mode need. Whose module a call uses, which modules are momentum copies and
what each optional input is wired to in a mode is all resolved here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import networkx as nx

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.graph import Graph, Ref, Weights, Wire
from composer.graph.link import LinkedGraph, Scope, link
from composer.graph.templates import LEFT_OUT, fill

__all__ = ["Argument", "Call", "Momentum", "Part", "Plan", "Program", "Value", "plan"]


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

    Attributes:
        values: Every value that the call takes.
    """

    path: str
    module: str
    component: Component
    arguments: tuple[tuple[str, Argument], ...]
    momentum: str | None = None
    values: tuple[Value, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        values: list[Value] = []
        for _, argument in self.arguments:
            values += (argument,) if isinstance(argument, Value) else argument
        object.__setattr__(self, "values", tuple(values))


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
        entries: What each input of a called subgraph takes, by path (``encoder.x``).
    """

    mode: str
    inputs: tuple[str, ...]
    data_samples: tuple[str, ...]
    calls: tuple[Call, ...]
    outputs: tuple[tuple[str, Value], ...]
    aliases: tuple[tuple[str, Value], ...] = ()
    entries: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The programs of a graph by mode, the modules they call and the momentum copies among these."""

    programs: Mapping[str, Program]
    parts: Mapping[str, Part]
    momentum: Mapping[str, Momentum]


def plan(graph: Graph, catalog: Catalog) -> Plan:
    """Plan every mode of a graph that ``check`` accepts.

    The order of the calls is that of the file wherever the wires allow it.
    """
    return link(graph, catalog).once(_planned)


def _planned(linked: LinkedGraph) -> Plan:
    top = _CalledScope(linked, linked.scopes[""])
    graph = linked.running
    programs = {mode: _program(graph, top, mode) for mode in graph.modes}
    parts: dict[str, Part] = {}
    momentum: dict[str, Momentum] = {}
    for program in programs.values():
        for call in program.calls:
            _add_part(top, call.module, parts, momentum)
    ordered = sorted(parts, key=top.order)
    top.inner.clear()  # each holds its outer one, and in a cycle they would wait for a garbage collection
    return Plan(programs, {path: parts[path] for path in ordered}, momentum)


@dataclass(slots=True)
class _CalledScope:
    """A scope that is being expanded: the top, or the inside of one call of a subgraph.

    Args:
        linked: The graph.
        scope: The scope.
        path: Ids of the calls that lead here, each with a dot behind it.
        outer: The scope of the call.
        wires: The wires of the call.
        values: What the subgraph's parameters are.
        inner: The insides of its own calls, by id.
        modules: At the top: what is known of the modules that calls use, by path.
    """

    linked: LinkedGraph
    scope: Scope
    path: str = ""
    outer: "_CalledScope | None" = None
    wires: Mapping[str, Wire] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    inner: dict[str, "_CalledScope"] = field(default_factory=dict)
    modules: dict[str, tuple[str, "Momentum | None"]] = field(default_factory=dict)

    def component(self, name: str) -> Component:
        """The component that a node calls."""
        found = self.scope.component(name)
        assert found is not None
        return found

    def params(self, name: str) -> Mapping[str, Any]:
        """A node's parameters, with the subgraph's own put in; those without a value are left out."""
        given = self.scope.params_of(name)
        if self.outer is None:
            return given
        filled = {key: fill(value, self.values) for key, value in given.items()}
        return {key: value for key, value in filled.items() if value is not LEFT_OUT}

    def enter(self, name: str) -> "_CalledScope":
        """The inside of a call of a subgraph."""
        if name not in self.inner:
            scope = self.linked.scopes[str(self.scope.subgraph(name))]
            values = {**(scope.params or {}), **self.params(name)}
            wires = self.scope.nodes[name].inputs
            self.inner[name] = _CalledScope(self.linked, scope, f"{self.path}{name}.", self, wires, values)
        return self.inner[name]

    def resolve(self, ref: Ref, mode: str) -> Argument | None:
        """What a reference in this scope is in a mode; None where an input of the subgraph has no wire."""
        if ref.source in self.scope.inputs:
            if self.outer is None:
                return Value(ref.source, None, ref.index)
            wire = self.wires.get(ref.source)
            found = None if wire is None else self.outer.resolve_wire(wire, mode)
            return _indexed(found, ref.index)
        if self.scope.subgraph(ref.source) is not None:
            inside = self.enter(ref.source)
            outputs = inside.outputs
            return _indexed(inside.resolve_wire(outputs[ref.port or next(iter(outputs))], mode), ref.index)
        return Value(self.path + ref.source, ref.port or self.component(ref.source).outputs[0].name, ref.index)

    @property
    def outputs(self) -> Mapping[str, Wire]:
        """What the outputs of the subgraph are wired to."""
        return self.linked.running.graphs[self.scope.name].outputs

    def resolve_wire(self, wire: Wire, mode: str) -> Argument | None:
        """What a wire carries in a mode."""
        here = wire.in_mode(mode)
        if here is None or not here.many:
            return None if here is None else self.resolve(here.refs[0], mode)
        found: list[Value] = []
        for ref in here.refs:
            value = self.resolve(ref, mode)
            found.extend(() if value is None else (value,) if isinstance(value, Value) else value)
        return tuple(found)

    def locate(self, path: str) -> "tuple[_CalledScope, str]":
        """The scope and the id of a call, from its path."""
        inside: _CalledScope = self
        *outer, name = path.split(".")
        for part in outer:
            inside = inside.enter(part)
        return inside, name

    def order(self, path: str) -> tuple[int, ...]:
        """Where a call stands in the file."""
        inside, names = self, path.split(".")
        found = [inside.scope.positions[names[0]]]
        for outer, name in pairwise(names):
            inside = inside.enter(outer)
            found.append(inside.scope.positions[name])
        return tuple(found)


def _indexed(value: Argument | None, index: int | None) -> Argument | None:
    if value is None or index is None:
        return value
    if isinstance(value, Value):
        return replace(value, index=index)
    return value[index]


def _program(graph: Graph, top: _CalledScope, mode: str) -> Program:
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
            pending.extend(call.values)
    return Program(
        mode,
        tuple(name for name in graph.inputs if name in used),
        tuple(name for name in graph.data_samples if name in used),
        tuple(calls[path] for path in _ordered(top, calls)),
        tuple(outputs),
        tuple(_aliases(top, calls, mode)),
        tuple(_entries(top, calls, mode)),
    )


def _called(top: _CalledScope, calls: Mapping[str, Call]) -> Iterator[tuple[str, _CalledScope]]:
    """The calls of subgraphs in which something runs, by path, with their insides."""
    paths = dict.fromkeys(path.rsplit(".", depth)[0] for path in calls for depth in range(1, path.count(".") + 1))
    return ((path, top.locate(path + ".")[0]) for path in paths)


def _entries(top: _CalledScope, calls: Mapping[str, Call], mode: str) -> Iterator[tuple[str, Value]]:
    for path, inside in _called(top, calls):
        for name in inside.scope.inputs:
            value = inside.resolve(Ref(name), mode)
            if isinstance(value, Value) and (value.port is None or value.source in calls):
                yield f"{path}.{name}", value


def _aliases(top: _CalledScope, calls: Mapping[str, Call], mode: str) -> Iterator[tuple[str, Value]]:
    for path, inside in _called(top, calls):
        for port, wire in inside.outputs.items():
            value = inside.resolve_wire(wire, mode)
            if isinstance(value, Value) and (value.port is None or value.source in calls):
                yield f"{path}.{port}", value


def _call(top: _CalledScope, path: str, mode: str) -> Call:
    inside, name = top.locate(path)
    component = inside.component(name)
    wires = inside.scope.nodes[name].inputs
    arguments: list[tuple[str, Argument]] = []
    for port in component.inputs:
        wire = wires.get(port.name)
        value = None if wire is None else inside.resolve_wire(wire, mode)
        if value is not None:
            many = (value,) if port.variadic and isinstance(value, Value) else value
            arguments.append((port.name, many))
    module, momentum = _module(top, path)
    return Call(path, module, component, tuple(arguments), momentum.target if momentum else None)


def _module(top: _CalledScope, path: str) -> tuple[str, Momentum | None]:
    """The module that a call uses, and the momentum copy that this module belongs to."""
    if path not in top.modules:
        top.modules[path] = _found_module(top, path)
    return top.modules[path]


def _found_module(top: _CalledScope, path: str) -> tuple[str, Momentum | None]:
    inside: _CalledScope = top
    momentum: Momentum | None = None
    names = path.split(".")
    found: list[str] = []
    for depth, name in enumerate(names):
        owner = str(inside.scope.owner(name))
        weights = inside.scope.nodes[owner].weights
        found.append(owner)
        if weights.rule == "momentum" and momentum is None:
            momentum = _momentum(inside.scope, found, weights)
        if depth < len(names) - 1:
            inside = inside.enter(owner)
    return ".".join(found), momentum


def _momentum(scope: Scope, found: list[str], weights: Weights) -> Momentum:
    source = [*found[:-1], str(scope.owner(str(weights.source)))]
    return Momentum(".".join(found), ".".join(source), weights.decay, weights.update, weights.end_decay)


def _add_part(top: _CalledScope, path: str, parts: dict[str, Part], momentum: dict[str, Momentum]) -> None:
    if path in parts:
        return
    inside, name = top.locate(path)
    _, copied = _module(top, path)
    source = None
    if copied is not None:
        momentum[copied.target] = copied
        source = copied.source + path[len(copied.target) :]
        _add_part(top, source, parts, momentum)
    parts[path] = Part(path, inside.component(name), inside.params(name), _frozen(top, path), source)


def _frozen(top: _CalledScope, path: str) -> bool:
    inside: _CalledScope = top
    names = path.split(".")
    for depth, name in enumerate(names):
        if inside.scope.nodes[name].frozen:
            return True
        if depth < len(names) - 1:
            inside = inside.enter(name)
    return False


def _ordered(top: _CalledScope, calls: Mapping[str, Call]) -> Iterable[str]:
    """The calls in the order of the file, moved only where a wire asks for it; a source before its momentum copy."""
    in_file = sorted(calls, key=top.order)
    hard = [(value.source, call.path) for call in calls.values() for value in call.values if value.port]
    soft: list[tuple[str, str]] = []
    copies = [call for call in calls.values() if call.momentum is not None]
    by_module: dict[str, list[str]] = {}
    for call in calls.values() if copies else ():
        by_module.setdefault(call.module, []).append(call.path)
    for call in copies:
        _, momentum = _module(top, call.path)
        source = momentum.source + call.module[len(momentum.target) :] if momentum else ""
        soft += ((path, call.path) for path in by_module.get(source, ()))
    place = {path: number for number, path in enumerate(in_file)}
    if all(place[source] < place[path] for source, path in (*hard, *soft)):
        return in_file
    dag: nx.DiGraph[str] = nx.DiGraph([*hard, *soft])
    if not nx.is_directed_acyclic_graph(dag):
        dag = nx.DiGraph(hard)
    dag.add_nodes_from(calls)
    return list(nx.lexicographical_topological_sort(dag, key=top.order))
