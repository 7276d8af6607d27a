"""The levels of a graph, seen alike: the top and the body of each subgraph, with what each node calls.

Nothing here needs the graph to be right: a node of an unknown type, or whose weights come from nowhere, calls nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from composer.catalog import Catalog
from composer.component import Component
from composer.graph import MODES, FrozenDict, Graph, Input, Node, Ref, Subgraph, Wire, refs_of, wire_in_mode
from composer.templates import is_template

__all__ = ["Scope", "Wiring", "scopes_of"]


@dataclass(frozen=True, eq=False)
class Scope:
    """The top of a graph, or the body of a subgraph.

    Args:
        name: Name of the subgraph; empty at the top.
        graph: The whole graph.
        catalog: The components.
        inputs: What references may name beside the nodes: the inputs, at the top also the data samples.
        nodes: The nodes by id.
        outputs: For each mode the named outputs and what they are wired to.
        params: The subgraph's parameters and their defaults; None at the top, where ``$name`` is plain text.
    """

    name: str
    graph: Graph
    catalog: Catalog
    inputs: Mapping[str, Input]
    nodes: Mapping[str, Node]
    outputs: Mapping[str, Mapping[str, Wire]]
    params: Mapping[str, Any] | None = None

    def path(self, *keys: str | int) -> tuple[str | int, ...]:
        """Document path of something in this scope."""
        return ("graphs", self.name, *keys) if self.name else keys

    def owner(self, name: str) -> str | None:
        """The node whose module a node calls: itself, or the end of its ``share`` chain; None if there is no end."""
        return self._owners.get(name, name)

    def origin(self, name: str) -> str | None:
        """The node that says what a node calls: itself, or the nearest source of its weights with a type."""
        return self._origins.get(name, name)

    def component(self, name: str) -> Component | None:
        """The component that a node calls, also through the source of its weights; None if there is none."""
        origin = self.origin(name)
        return None if origin is None else self.catalog.get(self.nodes[origin].type)

    def subgraph(self, name: str) -> str | None:
        """Name of the subgraph that a node calls, also through the source of its weights; None if there is none."""
        origin = self.origin(name)
        node = None if origin is None else self.nodes[origin]
        return node.graph if node is not None and node.type is None and node.graph in self.graph.graphs else None

    def params_of(self, name: str) -> Mapping[str, Any]:
        """The parameters of what a node calls, also through the source of its weights."""
        node = self.nodes[name]
        origin = self.origin(name)
        return node.params if origin in (name, None) else FrozenDict({**self.nodes[str(origin)].params, **node.params})

    @cached_property
    def templated(self) -> frozenset[str]:
        """The nodes with parameters that hang on those of the subgraph; none at the top."""
        if not self.params:
            return frozenset()
        own = {name for name, node in self.nodes.items() if any(map(is_template, node.params.values()))}
        return frozenset(own.union(name for name in self.wiring.borrowing if self.origin(name) in own))

    @cached_property
    def loose(self) -> frozenset[str]:
        """The nodes that no wire enters or leaves, and whose weights no other node uses: nobody has wired them yet."""
        read = {ref.source for outputs in self.outputs.values() for wire in outputs.values() for ref in refs_of(wire)}
        lent = {self.nodes[name].weights.source for name in self.wiring.borrowing}
        return frozenset(
            name
            for name, sources in self.wiring.sources.items()
            if not sources
            and name not in self.wiring.used
            and name not in read
            and name not in lent
            and self._takes(name)
        )

    def _takes(self, name: str) -> bool:
        """Whether what a node calls has inputs, as far as that is known."""
        component, body = self.component(name), self.subgraph(name)
        if component is not None:
            return bool(component.inputs)
        return body is None or bool(self.graph.graphs[body].inputs)

    @cached_property
    def names(self) -> Mapping[str, None]:
        """What references may name: the nodes and the inputs."""
        return dict.fromkeys([*self.nodes, *self.inputs])

    @cached_property
    def wiring(self) -> "Wiring":
        """What hangs on what."""
        return _wiring(self.nodes)

    @cached_property
    def _owners(self) -> Mapping[str, str | None]:
        sharing = [name for name in self.wiring.borrowing if self.nodes[name].weights.rule == "share"]
        return _ends(self.nodes, sharing)

    @cached_property
    def _origins(self) -> Mapping[str, str | None]:
        untyped = [name for name, node in self.nodes.items() if node.type is None and node.graph is None]
        return _ends(self.nodes, untyped)


@dataclass(frozen=True, eq=False)
class Wiring:
    """The wires of one scope, without their ports.

    Args:
        sources: For each node the nodes and inputs that feed it, over all modes; in the order of the file.
        order: The nodes, each after those that feed it; those of a ring, and all behind it, come last.
        ringed: The nodes of rings and those behind them.
        modal: The nodes with a wire that differs by mode.
        borrowing: The nodes whose weights come from another one.
        calling: The nodes with a subgraph of their own or borrowed weights, which may be one.
        odd: The nodes with keys that this release does not know.
    """

    sources: Mapping[str, list[str]]
    order: list[str]
    ringed: frozenset[str] = frozenset()
    modal: list[str] = field(default_factory=list)
    borrowing: list[str] = field(default_factory=list)
    calling: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @cached_property
    def used(self) -> frozenset[str]:
        """The nodes and inputs that some node is wired to."""
        return frozenset(source for sources in self.sources.values() for source in sources)


def scopes_of(graph: Graph, catalog: Catalog) -> dict[str, Scope]:
    """The scopes of a graph by name: the top under the empty name, then the subgraphs in the order of the file."""
    fields = FrozenDict({**graph.inputs, **graph.data_samples})
    outputs = {mode: graph.outputs.get(mode, FrozenDict()) for mode in graph.modes}
    scopes = {"": Scope("", graph, catalog, fields, graph.nodes, outputs)}
    for name, body in graph.graphs.items():
        scopes[name] = Scope(name, graph, catalog, body.inputs, body.nodes, _outputs(body), body.params)
    return scopes


def _ends(nodes: Mapping[str, Node], followed: list[str]) -> dict[str, str | None]:
    """For each of these nodes, the first source of its weights, nearest first, that is none of them."""
    ends: dict[str, str | None] = {}
    passing = set(followed)
    for name in followed:
        chain: dict[str, None] = {}
        at: str | None = name
        while at in passing and at not in ends and at not in chain:
            chain[at] = None
            at = nodes[at].weights.source
        if at in chain or at not in nodes:
            at = None
        end = ends.get(at, at) if at is not None else None
        ends.update(dict.fromkeys(chain, end))
    return ends


def _outputs(body: Subgraph) -> dict[str, dict[str, Wire]]:
    found: dict[str, dict[str, Wire]] = {}
    for mode in MODES:
        wires = {name: wire_in_mode(wire, mode) for name, wire in body.outputs.items()}
        found[mode] = {name: wire for name, wire in wires.items() if wire is not None}
    return found


def _wiring(nodes: Mapping[str, Node]) -> Wiring:
    sources: dict[str, list[str]] = {}
    modal: list[str] = []
    in_order = True
    for name, node in nodes.items():
        feeding: list[str] = []
        for wire in node.inputs.values():
            if isinstance(wire, Ref):
                feeding.append(wire.source)
            elif isinstance(wire, FrozenDict):
                feeding += [ref.source for ref in refs_of(wire)]
                modal.append(name)
            else:
                feeding += [ref.source for ref in wire]
        for source in feeding:
            if source not in sources and source in nodes:
                in_order = False
        sources[name] = feeding
    order = list(sources) if in_order else _sorted(sources)
    borrowing = [name for name, node in nodes.items() if node.weights.rule != "own"]
    calling = [name for name, node in nodes.items() if node.graph is not None or node.type is None]
    odd = [name for name, node in nodes.items() if node.extra]
    if len(order) == len(sources):
        return Wiring(sources, order, frozenset(), modal, borrowing, calling, odd)
    ringed = sources.keys() - set(order)
    return Wiring(
        sources, order + [n for n in sources if n in ringed], frozenset(ringed), modal, borrowing, calling, odd
    )


def _sorted(sources: Mapping[str, list[str]]) -> list[str]:
    """The nodes, each after those that feed it (Kahn, CACM 5(11), 1962); without those of rings and behind them."""
    waiting: dict[str, int] = {}
    consumers: dict[str, list[str]] = {}
    for name, feeding in sources.items():
        inner = [source for source in feeding if source in sources]
        waiting[name] = len(inner)
        for source in inner:
            consumers.setdefault(source, []).append(name)
    order = [name for name, count in waiting.items() if not count]
    for name in order:
        for consumer in consumers.get(name, ()):
            waiting[consumer] -= 1
            if not waiting[consumer]:
                order.append(consumer)
    return order
