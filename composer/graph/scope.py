"""One scope of a graph, resolved: what each node is, whose weights it uses, what feeds it.

Nothing here needs the graph to be right: a node of an unknown type, or whose weights come from nowhere, calls nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.graph import OWN, FrozenDict, Graph, Input, Node, Ref, Subgraph, Wire
from composer.graph.templates import is_template

__all__ = ["Called", "Scope", "Wiring", "chain_of", "origin_of", "owner_of"]


@dataclass(frozen=True)
class Called:
    """What a node calls: a component, a subgraph, or something that is not known (neither).

    Args:
        component: The component.
        body: The subgraph.
        name: Name of either, also of one that is not there.
    """

    component: Component | None = None
    body: Subgraph | None = None
    name: str = ""

    @classmethod
    def of(cls, node: Node | None, graphs: Mapping[str, Subgraph], catalog: Catalog) -> "Called":
        """What a node with a type or a graph calls; nothing that is known where there is none."""
        if node is None:
            return cls()
        if node.type is not None:
            return cls(catalog.get(node.type), None, node.type)
        return cls(None, graphs.get(node.graph or ""), node.graph or "")

    @property
    def known(self) -> bool:
        """Whether its ports are known."""
        return self.component is not None or self.body is not None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of its input ports."""
        if self.component is not None:
            return tuple(self.component.input_by_name)
        return () if self.body is None else tuple(self.body.inputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its output ports."""
        if self.component is not None:
            return tuple(self.component.output_by_name)
        return () if self.body is None else tuple(self.body.outputs)

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Its parameters that need not be given, with their defaults."""
        if self.component is not None:
            return {item.name: item.default for item in self.component.parameters if not item.required}
        return {} if self.body is None else self.body.params

    def takes_many(self, port: str) -> bool:
        """Whether an input port takes any number of wires."""
        known = None if self.component is None else self.component.input_by_name.get(port)
        return known is not None and known.variadic

    def full(self, ref: Ref) -> Ref:
        """A reference to it with its port, where it has just one output."""
        return Ref(ref.source, self.outputs[0], ref.index) if ref.port is None and len(self.outputs) == 1 else ref

    def carrying(self, wired: Iterable[str]) -> list[str]:
        """The wired input ports of a node whose wire goes on in its place when it is bypassed, best first.

        Best is the port that its output is declared to be like, then one of the type of the output.
        """
        ports = list(wired)
        component = self.component
        if component is None or not component.outputs:
            return ports
        output, inputs = component.outputs[0], component.input_by_name
        alike = [port for port in ports if port in inputs and inputs[port].type is output.type]
        return list(dict.fromkeys([*(port for port in ports if port == output.like), *alike, *ports]))


def chain_of(nodes: Mapping[str, Node], name: str | None) -> Iterator[str]:
    """A node, the one that its weights come from, the one that those come from and so on; each once."""
    seen: set[str] = set()
    while name is not None and name in nodes and name not in seen:
        yield name
        seen.add(name)
        name = nodes[name].weights.source


def origin_of(nodes: Mapping[str, Node], name: str) -> str | None:
    """The node that says what a node calls: itself, or the nearest source of its weights with a type; None if none."""
    for one in chain_of(nodes, name):
        if nodes[one].type is not None or nodes[one].graph is not None:
            return one
    return None


def owner_of(nodes: Mapping[str, Node], name: str) -> str:
    """The node whose module a node calls: itself, or the end of its ``share`` chain, as far as that leads."""
    at = name
    for at in chain_of(nodes, name):
        if nodes[at].weights.rule != "share":
            return at
    further = nodes[at].weights.source
    return further if further is not None and further in nodes else at


@dataclass(frozen=True, eq=False)
class Scope:
    """The top of a graph, or the body of a subgraph.

    Args:
        name: Name of the subgraph; empty at the top.
        graph: The whole graph: as it is written, or as it runs.
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

    def original(self, name: str) -> Node:
        """The node that says what a node calls; itself where there is none."""
        return self.nodes[self.origin(name) or name]

    def called(self, name: str) -> Called:
        """What a node calls, also through the source of its weights."""
        origin = self.origin(name)
        return Called.of(None if origin is None else self.nodes.get(origin), self.graph.graphs, self.catalog)

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

    def frozen(self, name: str) -> bool:
        """Whether the weights that a node calls are kept fixed, which is said where they are."""
        return self.nodes[self.owner(name) or owner_of(self.nodes, name)].frozen

    def full(self, ref: Ref) -> Ref:
        """A reference with its port, where its source has just one output."""
        return ref if ref.port is not None or ref.source not in self.nodes else self.called(ref.source).full(ref)

    @cached_property
    def entries(self) -> Mapping[str, str]:
        """The nodes at which a subgraph can be entered, with its name: the one that they name, even beside a type."""
        bodies = {
            name: self.original(name).graph
            for name, node in self.nodes.items()
            if node.graph is not None or node.type is None
        }
        return {name: body for name, body in bodies.items() if body is not None and body in self.graph.graphs}

    @cached_property
    def weight_cycles(self) -> Sequence[Sequence[str]]:
        """The cycles of nodes whose weights come from each other."""
        found: list[list[str]] = []
        seen: set[str] = set()
        for name in self.wiring.borrowing:
            chain: list[str] = []
            for at in chain_of(self.nodes, name):
                if at in seen:
                    break
                seen.add(at)
                chain.append(at)
            else:
                further = self.nodes[chain[-1]].weights.source
                found += [chain[chain.index(further) :]] if further in chain else []
        return found

    @cached_property
    def templated(self) -> frozenset[str]:
        """The nodes with parameters that depend on those of the subgraph; none at the top."""
        if not self.params:
            return frozenset()
        own = {name for name, node in self.nodes.items() if any(map(is_template, node.params.values()))}
        return frozenset(own.union(name for name in self.wiring.borrowing if self.origin(name) in own))

    @cached_property
    def loose(self) -> frozenset[str]:
        """The nodes that no wire enters or leaves, and whose weights no other node uses: nobody has wired them yet."""
        read = {ref.source for outputs in self.outputs.values() for wire in outputs.values() for ref in wire.refs}
        lent = {self.nodes[name].weights.source for name in self.wiring.borrowing}
        return frozenset(
            name
            for name, sources in self.wiring.sources.items()
            if not sources
            and name not in self.wiring.used
            and name not in read
            and name not in lent
            and (not (called := self.called(name)).known or called.inputs)
        )

    @cached_property
    def names(self) -> Mapping[str, None]:
        """What references may name: the nodes and the inputs."""
        return dict.fromkeys([*self.nodes, *self.inputs])

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Where each node stands in the file."""
        return {name: position for position, name in enumerate(self.nodes)}

    @cached_property
    def wiring(self) -> "Wiring":
        """What depends on what."""
        return Wiring.of(self.nodes)

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
        order: The nodes, each after those that feed it; those of a cycle, and all behind it, come last.
        cyclic: The nodes of cycles and those behind them.
        modal: The nodes with a wire that differs by mode.
        used: The nodes and inputs that some node is wired to.
        borrowing: The nodes whose weights come from another one.
        calling: The nodes with a subgraph of their own or borrowed weights, which may be one.
        odd: The nodes with keys that this release does not know.
    """

    sources: Mapping[str, Sequence[str]]
    order: list[str]
    cyclic: frozenset[str] = frozenset()
    modal: list[str] = field(default_factory=list)
    used: Set[str] = frozenset()
    borrowing: list[str] = field(default_factory=list)
    calling: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, nodes: Mapping[str, Node]) -> "Wiring":
        """The wires of these nodes."""
        sources: dict[str, Sequence[str]] = {}
        modal, borrowing, calling, odd = list[str](), list[str](), list[str](), list[str]()
        in_order = True
        for name, node in nodes.items():
            if node.weights is not OWN and node.weights.rule != "own":
                borrowing.append(name)
            if node.type is None or node.graph is not None:
                calling.append(name)
            if node.extra:
                odd.append(name)
            if node.modal:
                modal.append(name)
            for source in node.sources if in_order else ():
                in_order = in_order and (source in sources or source not in nodes)
            sources[name] = node.sources
        order = list(sources) if in_order else _sorted(sources)
        cyclic = frozenset() if len(order) == len(sources) else frozenset(sources.keys() - set(order))
        return cls(
            sources,
            order + [name for name in sources if name in cyclic],
            cyclic,
            modal,
            set().union(*sources.values()),
            borrowing,
            calling,
            odd,
        )


def _ends(nodes: Mapping[str, Node], followed: list[str]) -> dict[str, str | None]:
    """For each of these nodes, the first source of its weights, nearest first, that is none of them."""
    ends: dict[str, str | None] = {}
    passing = set(followed)
    for name in followed:
        passed: list[str] = []
        end = None
        for at in chain_of(nodes, name):
            if at in ends or at not in passing:
                end = ends.get(at, at)
                break
            passed.append(at)
        ends.update(dict.fromkeys(passed, end))
    return ends


def _sorted(sources: Mapping[str, Sequence[str]]) -> list[str]:
    """The nodes, each after those that feed it (Kahn, CACM 5(11), 1962); without those of cycles and behind them."""
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
