"""The open scope of a graph while it is changed, and the graph that comes of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from composer.catalog import Catalog
from composer.edits.canvas import Canvas
from composer.edits.names import refused
from composer.graph import EMPTY, MODES, Edge, FrozenDict, Graph, Input, Node, Ref, Subgraph, Wire
from composer.graph.link import Called, link
from composer.graph.scope import chain_of, origin_of, owner_of
from composer.problems import suggestion

__all__ = ["Applied", "ScopeDraft", "edges_of", "modes_of", "outputs_name"]


@dataclass(frozen=True)
class Applied:
    """What an operation made of a graph.

    Args:
        graph: The changed graph.
        created: Names that it made, in order.
        renamed: New names by old ones.
        notes: What was not kept, in words.
    """

    graph: Graph
    created: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class ScopeDraft:
    """One scope, taken apart to be changed.

    Its nodes change with every step, so what they are by way of their weights is found anew whenever it is asked; a
    linked graph, which finds it once, is of a graph that stays what it is.

    Args:
        graph: The graph.
        scope: Name of the subgraph that is open; empty at the top.
        catalog: The components.
    """

    def __init__(self, graph: Graph, scope: str, catalog: Catalog) -> None:
        body: Graph | Subgraph = graph.graphs[scope] if scope else graph
        self.base = graph
        self.scope = scope
        self.catalog = catalog
        self.graphs: dict[str, Subgraph] = dict(graph.graphs)
        self.inputs: dict[str, Input] = dict(body.inputs)
        self.data_samples: dict[str, Input] = {} if scope else dict(graph.data_samples)
        self.nodes: dict[str, Node] = dict(body.nodes)
        self.outputs: dict[str | None, dict[str, Wire]] = _outputs(body)
        self.layout: dict[str, Any] = dict(body.layout)
        self.params: dict[str, Any] = {} if isinstance(body, Graph) else dict(body.params)
        self.canvas = Canvas.of(graph)
        self.settings: dict[str, Any] = {}
        self.created: list[str] = []
        self.renamed: dict[str, str] = {}
        self.notes: list[str] = []
        self._later: list[Callable[[Graph], Graph]] = []

    # --- what is there ---

    @property
    def names(self) -> Mapping[str, None]:
        """All names that are taken in the scope."""
        return dict.fromkeys([*self.inputs, *self.data_samples, *self.nodes])

    @property
    def fields(self) -> dict[str, Input]:
        """The inputs and the fields of the data samples."""
        return {**self.inputs, **self.data_samples}

    def node(self, name: str) -> Node:
        """A node.

        Raises:
            GraphError: There is none of this name.
        """
        if name not in self.nodes:
            shown = name[:40]
            text = f"there is no node '{shown}' here; {suggestion(shown, self.nodes, 'nodes')}"
            raise refused(text, shown, code="unknown-node")
        return self.nodes[name]

    def called(self, name: str) -> Called:
        """What a node calls."""
        return Called.of(self.origin(name), self.graphs, self.catalog)

    def origin(self, name: str) -> Node | None:
        """The node that says what a node calls; None where there is none."""
        found = origin_of(self.nodes, name)
        return None if found is None else self.nodes[found]

    def owner(self, name: str) -> str:
        """The node whose module a node calls: itself, or the end of its ``share`` chain, as far as that leads."""
        return owner_of(self.nodes, name)

    def chain(self, name: str) -> Iterator[str]:
        """A node, the one that its weights come from, the one that those come from and so on; each once."""
        return chain_of(self.nodes, name)

    def reference(self, text: str) -> Ref:
        """A reference that a person gives, with the port where there is just one.

        Raises:
            GraphError: It is none, or what it names is not here.
        """
        try:
            ref = Ref.parse(text)
        except ValueError as error:
            raise refused(str(error)[:200], code="bad-reference") from None
        if ref.source in self.fields:
            if ref.port is not None:
                raise refused(f"'{ref.source}' is an input and has no ports", text, code="unknown-port")
            return ref
        self.node(ref.source)
        called = self.called(ref.source)
        if not called.known:
            return ref
        if ref.port is None and len(called.outputs) == 1:
            return Ref(ref.source, called.outputs[0], ref.index)
        if ref.port not in called.outputs:
            hint = suggestion(ref.port or "", called.outputs, "outputs")
            text = f"'{called.name}' has no output '{ref.port}'; {hint}"
            raise refused(text, str(ref), code="unknown-port", node=ref.source)
        return ref

    # --- changes ---

    def change(self, name: str, **values: Any) -> None:
        """Change fields of a node."""
        self.nodes[name] = replace(self.nodes[name], **values)

    def wire(self, name: str, port: str, wire: Wire | None) -> None:
        """Set the wire into a port of a node; None takes it away. Ports stand in the order of the component's."""
        wires = dict(self.nodes[name].inputs)
        if wire is None:
            wires.pop(port, None)
        elif port in wires:
            wires[port] = wire
        else:
            order = {other: position for position, other in enumerate(self.called(name).inputs)}
            wires[port] = wire
            wires = dict(sorted(wires.items(), key=lambda item: order.get(item[0], len(order))))
        self.change(name, inputs=FrozenDict(wires) if wires else EMPTY)

    def map_refs(self, change: Callable[[Ref], Ref]) -> None:
        """Change each reference in the scope."""
        for name, node in self.nodes.items():
            wires = {port: wire.map(change) for port, wire in node.inputs.items()}
            if any(wires[port] is not wire for port, wire in node.inputs.items()):
                self.nodes[name] = replace(node, inputs=FrozenDict(wires))
        for outputs in self.outputs.values():
            outputs.update({name: wire.map(change) for name, wire in outputs.items()})

    def insert_nodes(self, nodes: Mapping[str, Node], before: str | None = None) -> None:
        """Add nodes, before another one in the order of the file or at the end."""
        if before is None:
            self.nodes.update(nodes)
            return
        found: dict[str, Node] = {}
        for name, node in self.nodes.items():
            if name == before:
                found.update(nodes)
            found[name] = node
        self.nodes = found

    def at_callers(self, change: Callable[["ScopeDraft", list[str]], None]) -> None:
        """Change the scopes that call this subgraph, once this one is done; called with the names of the calls."""

        def later(graph: Graph) -> Graph:
            for name, calls in link(graph, self.catalog).callers(self.scope).items():
                draft = ScopeDraft(graph, name, self.catalog)
                change(draft, calls)
                graph = draft.graph()
            return graph

        if self.scope:
            self._later.append(later)

    # --- what comes of it ---

    def graph(self) -> Graph:
        """The changed graph; parts that did not change are shared with the old one."""
        changed: dict[str, Any] = dict(self.settings)
        body = self._body()
        if self.scope:
            self.graphs[self.scope] = body
        else:
            changed |= {key: _kept(getattr(self.base, key), value) for key, value in body.items()}
        metadata = self.canvas.noted(self.base.metadata, {"", *self.graphs})
        graph = replace(
            self.base,
            **changed,
            graphs=_kept(self.base.graphs, FrozenDict(self.graphs)),
            metadata=metadata,
            source=None,
        )
        for work in self._later:
            graph = work(graph)
        return graph

    def _body(self) -> Any:
        parts = {
            "inputs": FrozenDict(self.inputs),
            "nodes": FrozenDict(self.nodes),
            "layout": FrozenDict(self.layout),
        }
        if self.scope:
            outputs = FrozenDict(self.outputs[None])
            return replace(self.base.graphs[self.scope], **parts, outputs=outputs, params=FrozenDict(self.params))
        outputs = FrozenDict(
            {
                str(mode): FrozenDict({name: wire.refs[0] for name, wire in found.items()})
                for mode, found in self.outputs.items()
                if found
            }
        )
        return {**parts, "data_samples": FrozenDict(self.data_samples), "outputs": outputs}

    def applied(self) -> Applied:
        """The changed graph, the names that were made, and what was not kept."""
        return Applied(self.graph(), tuple(self.created), dict(self.renamed), tuple(self.notes))

    def all_wires(self) -> Iterator[tuple[str, str, Wire]]:
        """Every wire into a node or an output: where it goes (``outputs.loss``, ``outputs``), the port, the wire."""
        for name, node in self.nodes.items():
            yield from ((name, port, wire) for port, wire in node.inputs.items())
        for mode, outputs in self.outputs.items():
            yield from ((outputs_name(mode), port, wire) for port, wire in outputs.items())


def outputs_name(mode: str | None) -> str:
    """Name of the box of a mode's outputs."""
    return "outputs" if mode is None else f"outputs.{mode}"


def edges_of(wire: Wire | None) -> list[Edge]:
    """The references of a wire with the modes that they serve; none where there is no wire."""
    return [] if wire is None else wire.edges()


def modes_of(modes: Iterable[str] | None) -> tuple[str, ...]:
    """These modes in their order; all where none are named."""
    if modes is None:
        return MODES
    wanted = set(modes)
    return tuple(mode for mode in MODES if mode in wanted)


def _outputs(body: Graph | Subgraph) -> dict[str | None, dict[str, Wire]]:
    if isinstance(body, Graph):
        return {mode: {name: Wire.of(ref) for name, ref in outputs.items()} for mode, outputs in body.outputs.items()}
    return {None: dict(body.outputs)}


def _kept(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """The old mapping where the new one holds the very same things in the same order."""
    same = len(old) == len(new) and all(
        key == other and item is old[key] for (key, item), other in zip(new.items(), old, strict=True)
    )
    return old if same else new
