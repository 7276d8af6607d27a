"""The rules about nodes: each is of a known type and has what it needs.

Nodes that are alike (same type, parameters and port types on their wires) are looked at once, so a graph of ten
thousand layers costs little more than a walk along its wires.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.catalog.component import Component, Port
from composer.graph import Node, Wire
from composer.graph.link import Needs, Reach, Scope
from composer.ports import AnyTensor, PortType, port_type
from composer.problems import Fix
from composer.rules.parameters import Place, check_names, check_parameters, unknown_parameter
from composer.rules.report import Report, lost, put, take
from composer.rules.wires import NOTHING_KNOWN, UNKNOWN, Flow, Outputs, Signature, Slot, Wires, fits, produced

__all__ = ["Alike", "FreeOutputs", "Nodes"]


class FreeOutputs:
    """What is free in a scope, by type.

    Args:
        scope: The scope.
        table: What the outputs of the inputs and of the nodes carry.
    """

    def __init__(self, scope: Scope, table: Mapping[str, Outputs]) -> None:
        self._positions = {name: position for position, name in enumerate([*scope.inputs, *scope.wiring.order])}
        self._by_type: dict[PortType, tuple[list[int], list[str]]] = {}
        used = set(_used(scope))
        for name, position in self._positions.items():
            for port, flow in table[name].items():
                sole = port is None or None in table[name]
                twice = port is None and name in scope.nodes
                taken = (name, port) in used or ((name, None) in used and sole) or twice
                if isinstance(flow, PortType) and flow is not UNKNOWN and not taken:
                    positions, texts = self._by_type.setdefault(flow, ([], []))
                    positions.append(position)
                    texts.append(name if port is None else f"{name}.{port}")

    def only(self, node: str, wanted: PortType) -> str | None:
        """The one free output or input that fits a port of a node and does not depend on it; None if there are others.

        Nor is there one for a port that takes any tensor: that it fits would mean nothing.
        """
        if wanted.name == port_type(AnyTensor).name:
            return None
        found: list[str] = []
        for given, (positions, texts) in self._by_type.items():
            if fits(given, wanted):
                found += texts[: min(bisect_left(positions, self._positions[node]), 2)]
            if len(found) > 1:
                return None
        return found[0] if found else None


def _used(scope: Scope) -> Iterator[tuple[str, str | None]]:
    for node in scope.nodes.values():
        for wire in node.inputs.values():
            yield from ((ref.source, ref.port) for ref in wire.refs)
    for outputs in scope.outputs.values():
        for wire in outputs.values():
            yield from ((ref.source, ref.port) for ref in wire.refs)


Alike = dict[Any, tuple[Outputs, int]]
"""For each sort of node in which nothing is wrong: what its outputs carry and how many layers it declares."""


@dataclass(eq=False)
class Nodes:
    """Looks at the nodes of one scope.

    Args:
        scope: The scope.
        report: Takes the problems.
        reach: What is run in the scope.
        signatures: The ports of the subgraphs that it may call.
        needs: Which inputs their outputs depend on.
        alike: What is known of nodes that were looked at.
        wires: Follows references; its table is filled.
        layers: Layers that the nodes declare, without those that depend on parameters of the subgraph around them.
    """

    scope: Scope
    report: Report
    reach: Reach
    signatures: Mapping[str, Signature]
    needs: Mapping[str, Needs]
    alike: Alike
    wires: Wires
    layers: int = 0
    _missing: list[tuple[str, Port, str | None]] = field(default_factory=list)
    _components: dict[Component, Signature] = field(default_factory=dict)

    def check(self) -> None:
        """Report what is wrong with the nodes, their parameters and their wires."""
        nodes, table, alike, reached = self.scope.nodes, self.wires.table, self.alike, self.reach.nodes
        wiring = self.scope.wiring
        special = {*wiring.modal, *wiring.borrowing, *wiring.calling, *wiring.odd, *self.scope.templated}
        special |= self.scope.loose
        closer = special if len(reached) == len(nodes) else special | (nodes.keys() - reached)
        layers = 0
        for name in wiring.order:
            node = nodes[name]
            carried = _carried(node.inputs, table)
            sort = (node.type, repr(node.params) if node.params else "", *carried)
            known = alike.get(sort)
            if known is None or name in closer:
                found = len(self.report) + len(self._missing)
                known = self._look(name, node)
                runs = name in reached and (not self.reach.by_mode or self.reach.modes_of(name))
                clean = found == len(self.report) + len(self._missing) and name not in special
                if clean and runs and _is_known(carried[1::2]):
                    alike[sort] = known
            table[name] = known[0]
            layers += known[1]
        self.layers = layers
        self._report_missing()

    def _look(self, name: str, node: Node) -> tuple[Outputs, int]:
        """What a node's outputs carry and how many layers it declares; its problems are reported."""
        signature = self._signature(name, node)
        carried: dict[str, Flow] = {}
        meant: set[str | None] = set()
        modes = self.reach.modes_of(name)
        for port, wire in node.inputs.items():
            known = None if signature is None else signature.inputs.get(port)
            if signature is not None and known is None:
                meant.add(self._unknown_port(name, node, port, signature))
            slot = Slot(
                self.scope.path("nodes", name, "inputs", port), f"{name}.{port}", node=name, port=known, modes=modes
            )
            carried[port] = self.wires.follow(slot, wire)
        if signature is None:
            return NOTHING_KNOWN, 1
        if name not in self.scope.loose:
            self._need_wires(name, node, signature, meant)
        self._parameters(name, node, signature)
        component = signature.component
        builds = component is not None and node.weights.rule != "share" and name not in self.scope.templated
        layers = component.declared_layers(self.scope.params_of(name)) if component is not None and builds else 0
        return produced(signature, carried), layers

    def _signature(self, name: str, node: Node) -> Signature | None:
        """The ports of what a node calls; None where something about that is wrong, which is reported."""
        if node.type is not None and node.graph is not None:
            self._two_types(name, node)
            return None
        if node.type is None and node.graph is None and node.weights.rule == "own":
            message = "it has no type; expected a type, a graph, or weights that come from another node"
            self.report.add("missing-type", self.scope.path("nodes", name), name, message)
            return None
        component = self.scope.component(name)
        if component is not None:
            if component not in self._components:
                self._components[component] = Signature.of_component(component)
            return self._components[component]
        body = self.scope.subgraph(name)
        if body is not None:
            return self.signatures.get(body)
        if node.type is not None:
            self._unknown_type(name, node.type)
        elif node.graph is not None:
            self._unknown_subgraph(name, node.graph)
        return None

    def _two_types(self, name: str, node: Node) -> None:
        extra = "graph" if node.type in self.scope.catalog else "type"
        message = f"it has the type {node.type} and the graph {node.graph}; expected one of them"
        changes = lost(f"the {extra}", getattr(node, extra))
        fix = take(self.scope.path("nodes", name, extra), f"remove {name}.{extra}", changes)
        self.report.add("two-types", self.scope.path("nodes", name), name, message, fix)

    def _unknown_type(self, name: str, found: str) -> None:
        path = self.scope.path("nodes", name, "type")
        near, hint = self.report.lookup(found, self.scope.catalog.stand_ins(name, found), "types")
        fix = put(path, near[0], f"set {name}.type to {near[0]}") if near else None
        if found in self.scope.graph.graphs:
            hint = "a subgraph has this name"
            fix = _swap(self.scope, name, "type", "graph", found)
        self.report.add("unknown-type", path, name, f"there is no type '{found}' in the catalog; {hint}", fix)

    def _unknown_subgraph(self, name: str, found: str) -> None:
        path = self.scope.path("nodes", name, "graph")
        near, hint = self.report.lookup(found, self.scope.graph.graphs, "subgraphs")
        fix = put(path, near[0], f"set {name}.graph to {near[0]}") if near else None
        if found in self.scope.catalog:
            hint = "a type of the catalog has this name"
            fix = _swap(self.scope, name, "graph", "type", found)
        self.report.add("unknown-subgraph", path, name, f"there is no subgraph '{found}'; {hint}", fix)

    def _unknown_port(self, name: str, node: Node, port: str, signature: Signature) -> str | None:
        """Report a wire into a port that does not exist; gives the port that was probably meant."""
        path = self.scope.path("nodes", name, "inputs", port)
        near, hint = self.report.lookup(port, signature.inputs, "inputs")
        open_ports = [other for other in signature.inputs if other not in node.inputs]
        best = [other for other in near if other in open_ports]
        changes = ""
        if not best and len(open_ports) == 1 and not signature.inputs[open_ports[0]].optional:
            best = open_ports
            changes = f"{best[0]} in place of {port}"
        fix = take(path, f"remove the wire into {name}.{port}", lost("the wire from", node.inputs[port].to_document()))
        if best:
            moved = put(self.scope.path("nodes", name, "inputs", best[0]), node.inputs[port].to_document(), "")
            fix = Fix(f"wire it to {name}.{best[0]}", (*moved.edits, *fix.edits), changes)
        called = _called(signature)
        self.report.add(
            "unknown-port", path, f"{name}.{port}", f"{called} has no input '{port}'; {hint}", fix, port=port
        )
        return best[0] if best else None

    def _parameters(self, name: str, node: Node, signature: Signature) -> None:
        place = Place(self.scope, name)
        if node.weights.rule != "own":
            return
        if signature.component is not None:
            check_parameters(self.report, place, signature.component, node.inputs)
            return
        declared = self.scope.graph.graphs[signature.name].params
        for parameter, value in node.params.items():
            if parameter not in declared:
                unknown_parameter(self.report, place, parameter, _called(signature), declared)
            elif self.scope.params is not None:
                check_names(self.report, place, parameter, value)

    def _need_wires(self, name: str, node: Node, signature: Signature, meant: set[str | None]) -> None:
        """Note the required inputs without a wire in a mode in which the node runs; not those meant by a wrong name."""
        if name not in self.reach.nodes:
            return
        lacking: dict[str, list[str | None]] = {}
        modes: Iterable[str | None] = self.reach.modes_of(name) if self.reach.by_mode else (None,)
        for mode in modes:
            for port in self._required(name, signature, mode):
                if port not in meant and not _is_wired(node.inputs.get(port), mode):
                    lacking.setdefault(port, []).append(mode)
        for port, missing in lacking.items():
            everywhere = not any(_is_wired(node.inputs.get(port), mode) for mode in (*modes, None))
            for mode in (None,) if everywhere else missing:
                self._missing.append((name, signature.inputs[port], mode))

    def _required(self, name: str, signature: Signature, mode: str | None) -> list[str]:
        if signature.component is not None:
            return [port.name for port in signature.inputs.values() if not port.optional]
        if mode is None:
            return []
        needs = self.needs[signature.name]
        bits = 0
        for port in self.reach.by_mode[mode][name]:
            bits |= needs.of(mode, port)[1]
        return list(needs.names(bits))

    def _report_missing(self) -> None:
        free = FreeOutputs(self.scope, self.wires.table) if self._missing else None
        for name, port, mode in self._missing:
            path = self.scope.path("nodes", name, "inputs", port.name)
            only = free.only(name, port.type) if free is not None else None
            inner = path if mode is None else (*path, mode)
            fix = put(inner, only, f"wire {only} to {name}.{port.name}") if only else None
            where = "" if mode is None else f" in {mode} mode, in which it runs too"
            message = f"{name} needs a wire into '{port.name}' ({port.type.name}){where}"
            self.report.add("missing-input", path, f"{name}.{port.name}", message, fix, port=port.name, mode=mode)


def _carried(inputs: Mapping[str, Wire], table: Mapping[str, Outputs]) -> list[Any]:
    """The ports of a node, each followed by what its wire carries, for a comparison with other nodes.

    None stands for what takes a closer look.
    """
    found: list[Any] = []
    for port, wire in inputs.items():
        kinds = []
        for ref in wire.refs:
            outputs = table.get(ref.source)
            kinds.append(None if outputs is None or ref.index is not None else outputs.get(ref.port))
        found += port, None if wire.differs else tuple(kinds) if wire.many else kinds[0]
    return found


def _is_known(carried: Iterable[Any]) -> bool:
    """Whether what a node's wires carry is known and the same in every mode."""
    return all(isinstance(part, PortType) or (isinstance(part, tuple) and _is_known(part)) for part in carried)


def _is_wired(wire: Wire | None, mode: str | None) -> bool:
    if wire is None:
        return False
    part = wire if mode is None else wire.in_mode(mode)
    return part is not None and bool(part.refs)


def _called(signature: Signature) -> str:
    return f"'{signature.name}'" if signature.component is not None else f"subgraph '{signature.name}'"


def _swap(scope: Scope, name: str, old: str, new: str, value: str) -> Fix:
    moved = put(scope.path("nodes", name, new), value, "")
    return Fix(
        f"write {new}: {value} in place of {old}", (*moved.edits, *take(scope.path("nodes", name, old), "").edits)
    )
