"""What each mode needs: only what a mode's outputs depend on is run in that mode.

A component needs all its inputs. A call of a subgraph needs the inputs on which the outputs depend that are read of it,
output by output. Sets of a subgraph's inputs are kept as bits of one integer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from composer.graph import MODES, Node, Ref, Wire
from composer.graph.scope import Scope

__all__ = ["Needs", "Reach", "reach_of"]

Bits = tuple[int, int]
"""Two sets of a subgraph's inputs: those that are read, and those of them that must be wired."""

_NOTHING: Bits = (0, 0)
_Read = dict[str, set[str | None]]


@dataclass(frozen=True, eq=False)
class Needs:
    """Which inputs of a subgraph its outputs depend on.

    Args:
        inputs: The subgraph's inputs.
        outputs: For each mode and output, two sets of inputs as bits: all that are read, and those that must be wired.
    """

    inputs: Sequence[str]
    outputs: Mapping[str, Mapping[str, Bits]]

    @cached_property
    def differ(self) -> bool:
        """Whether anything differs by mode."""
        return any(outputs != self.outputs[MODES[0]] for outputs in self.outputs.values())

    def of(self, mode: str, port: str | None) -> Bits:
        """The inputs that an output depends on; without a port, those of all outputs."""
        outputs = self.outputs[mode]
        if port is not None:
            return outputs.get(port, _NOTHING)
        read = required = 0
        for bits in outputs.values():
            read, required = read | bits[0], required | bits[1]
        return read, required

    def names(self, bits: int) -> Iterator[str]:
        """The inputs in a set."""
        while bits:
            low = bits & -bits
            yield self.inputs[low.bit_length() - 1]
            bits ^= low


@dataclass(frozen=True, eq=False)
class Reach:
    """What is run in one scope.

    Args:
        nodes: The nodes that some output depends on; all, where there are no outputs at all.
        by_mode: For each mode the nodes that run and which of their outputs are read; empty where no wire differs by
            mode and no subgraph is called, so that one look serves every mode.
    """

    nodes: Set[str]
    by_mode: Mapping[str, Mapping[str, set[str | None]]] = field(default_factory=dict)

    def modes_of(self, name: str) -> tuple[str, ...]:
        """The modes in which a node runs."""
        return tuple(mode for mode, nodes in self.by_mode.items() if name in nodes)


def reach_of(scopes: Mapping[str, Scope], bodies: Sequence[str]) -> tuple[dict[str, Needs], dict[str, Reach]]:
    """What is run in each scope, and what each subgraph needs of its callers.

    Args:
        scopes: The scopes by name.
        bodies: The subgraphs that are in no cycle, each after those that it calls.
    """
    needs: dict[str, Needs] = {}
    for name in bodies:
        needs[name] = Needs(tuple(scopes[name].inputs), _needs(scopes[name], needs))
    calls: dict[str, dict[str, set[str]]] = {}
    reached = {name: _reach(scopes[name], needs, calls) for name in ["", *reversed(bodies)]}
    return needs, reached


def _reach(scope: Scope, needs: Mapping[str, Needs], calls: dict[str, dict[str, set[str]]]) -> Reach:
    """What is run in a scope; notes in ``calls`` which outputs of which subgraphs are read in which mode."""
    wiring = scope.wiring
    if not any(scope.outputs.values()):
        return Reach(scope.nodes.keys())
    if not wiring.modal and not wiring.calling:
        return Reach(_closure(scope))
    everything = {mode: _running(scope, mode, outputs.values(), needs) for mode, outputs in scope.outputs.items()}
    by_mode = everything
    if scope.name in calls:
        wanted = calls[scope.name]
        wires = {mode: [outputs[name] for name in wanted.get(mode, ())] for mode, outputs in scope.outputs.items()}
        by_mode = {mode: _running(scope, mode, wires[mode], needs) for mode in wires}
    for mode, nodes in by_mode.items():
        for name in wiring.calling:
            body = scope.subgraph(name)
            if body in needs and name in nodes:
                outputs = needs[str(body)].outputs[mode]
                ports = outputs.keys() if None in nodes[name] else outputs.keys() & nodes[name]
                calls.setdefault(str(body), {}).setdefault(mode, set()).update(ports)
    return Reach({name for nodes in everything.values() for name in nodes}, by_mode)


def _closure(scope: Scope) -> Set[str]:
    """The nodes that some output depends on, where this is the same in every mode."""
    sources = scope.wiring.sources
    found = {ref.source for outputs in scope.outputs.values() for wire in outputs.values() for ref in wire.refs}
    if not scope.wiring.cyclic:
        if sources.keys() <= scope.wiring.used | found:  # each is read, so every way ends at an output
            return sources.keys()
        for name in reversed(scope.wiring.order):
            if name in found:
                found.update(sources[name])
        return found & sources.keys()
    stack = list(found)
    found.clear()
    while stack:
        name = stack.pop()
        if name not in found and name in sources:
            found.add(name)
            stack += sources[name]
    return found


def _running(scope: Scope, mode: str, wires: Iterable[Wire], needs: Mapping[str, Needs]) -> _Read:
    """The nodes that run in a mode for these outputs, and which of their outputs are read."""
    found: _Read = {}
    read: dict[str, int] = {}
    stack = [ref for wire in wires for ref in wire.refs]
    while stack:
        ref = stack.pop()
        name, node = ref.source, scope.nodes.get(ref.source)
        if node is None or ref.port in found.get(name, ()):
            continue
        seen = name in found
        found.setdefault(name, set()).add(ref.port)
        body = scope.subgraph(name)
        if body in needs:
            fresh = needs[str(body)].of(mode, ref.port)[0] & ~read.get(name, 0)
            read[name] = read.get(name, 0) | fresh
            stack.extend(_refs(node, mode, needs[str(body)].names(fresh)))
        elif not seen:
            stack.extend(_refs(node, mode, node.inputs))
    return found


def _refs(node: Node, mode: str, ports: Iterable[str]) -> Iterator[Ref]:
    for port in ports:
        wire = node.inputs.get(port)
        here = None if wire is None else wire.in_mode(mode)
        if here is not None:
            yield from here.refs


def _needs(scope: Scope, needs: Mapping[str, Needs]) -> dict[str, dict[str, Bits]]:
    """For each mode and output of a subgraph, the inputs that it depends on."""
    found: dict[str, dict[str, Bits]] = {}
    bodies = [needs[str(body)] for body in map(scope.subgraph, scope.wiring.calling) if body in needs]
    differ = bool(scope.wiring.modal) or any(body.differ for body in bodies)
    for mode in MODES:
        if found and not differ and scope.outputs[mode] == scope.outputs[MODES[0]]:
            found[mode] = found[MODES[0]]
            continue
        ties = _Ties(scope, mode, needs)
        for name in scope.wiring.order:
            ties.add(name)
        found[mode] = {name: ties.of_refs(wire.refs) for name, wire in scope.outputs[mode].items()}
    return found


class _Ties:
    """The inputs of a subgraph that each output of its nodes depends on in a mode; under None, those of all outputs."""

    def __init__(self, scope: Scope, mode: str, needs: Mapping[str, Needs]) -> None:
        self.scope = scope
        self.mode = mode
        self.needs = needs
        self.known: dict[str, dict[str | None, Bits]] = {
            name: {None: (1 << position, 1 << position)} for position, name in enumerate(scope.inputs)
        }

    def add(self, name: str) -> None:
        """Look at a node whose sources were looked at."""
        node = self.scope.nodes[name]
        body = self.scope.subgraph(name)
        if body in self.needs:
            self.known[name] = self._of_call(node, self.needs[str(body)])
            return
        component = self.scope.component(name)
        inputs = {} if component is None else component.input_by_name
        required = {port for port in node.inputs if port in inputs and not inputs[port].optional}
        self.known[name] = {None: _join(self.of_wire(node, port, port in required) for port in node.inputs)}

    def _of_call(self, node: Node, inner: Needs) -> dict[str | None, Bits]:
        may = {name: self.of_wire(node, name, False) for name in inner.inputs}
        must = {name: self.of_wire(node, name, True) for name in inner.inputs}
        found: dict[str | None, Bits] = {}
        for port in (None, *inner.outputs[self.mode]):
            read, required = inner.of(self.mode, port)
            parts = [may[name] for name in inner.names(read & ~required)]
            found[port] = _join(parts + [must[name] for name in inner.names(required)])
        return found

    def of_wire(self, node: Node, port: str, required: bool) -> Bits:
        """The inputs that a wire depends on; one that it comes from directly may stay unwired where the port may."""
        bits = [self.of_refs([ref]) for ref in _refs(node, self.mode, [port]) if ref.source not in self.scope.inputs]
        direct = [self.of_refs([ref]) for ref in _refs(node, self.mode, [port]) if ref.source in self.scope.inputs]
        return _join(bits + (direct if required else [(read, 0) for read, _ in direct]))

    def of_refs(self, refs: Iterable[Ref]) -> Bits:
        """The inputs that these outputs depend on."""
        ports = [(ref.port, self.known.get(ref.source, {})) for ref in refs]
        return _join(known.get(port, known.get(None, _NOTHING)) for port, known in ports)


def _join(parts: Iterable[Bits]) -> Bits:
    read = required = 0
    for bits in parts:
        read, required = read | bits[0], required | bits[1]
    return read, required
