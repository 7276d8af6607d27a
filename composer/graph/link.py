"""A graph resolved once, for all that ask about it: rules, sizes, plans, canonical form, editing, drawing, diff."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar
from weakref import ref

import networkx as nx

from composer.catalog import Catalog
from composer.graph import MODES, FrozenDict, Graph, Subgraph, Wire
from composer.graph.bypass import Detours, running
from composer.graph.reach import Needs, Reach, reach_of
from composer.graph.scope import Called, Scope

__all__ = [
    "Called",
    "Detours",
    "LinkedGraph",
    "Needs",
    "Reach",
    "Scope",
    "link",
    "uncollected",
]

T = TypeVar("T")


def link(graph: Graph, catalog: Catalog) -> "LinkedGraph":
    """A graph resolved against a catalog. Any graph can be: what is wrong in it leads nowhere.

    A graph never changes, so what is known of it is kept with it: linked again with the same catalog, it is the same.
    """
    kept = graph.__dict__.get("_linked")
    found = kept() if isinstance(kept, ref) else kept
    if not isinstance(found, LinkedGraph) or found.catalog is not catalog:
        # It holds a twin of the graph, which does not hold it: in a cycle both would wait for a garbage collection.
        twin = replace(graph)
        found = LinkedGraph(twin, catalog)
        object.__setattr__(twin, "_linked", ref(found))
        object.__setattr__(graph, "_linked", found)
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection inside.

    Reading, resolving and building make many objects and no cycles; looking through them over and over would take as
    long as making them.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


class LinkedGraph:
    """A graph and what its names mean: as it is written, and as it runs.

    What is run asks ``scopes``. What shows, writes, compares or changes the graph asks ``written``, which has the
    bypassed nodes too. Where nothing is bypassed, they are the same.

    Args:
        graph: The graph as it is written.
        catalog: The components.
    """

    def __init__(self, graph: Graph, catalog: Catalog) -> None:
        self.graph = graph
        self.catalog = catalog
        self._made: dict[Any, Any] = {}

    def once(self, make: "Callable[..., T]", *args: Any) -> T:
        """What a function makes of this linked graph (and of these arguments), made at the first call."""
        key = (make, *args)
        if key not in self._made:
            with uncollected():
                self._made[key] = make(self, *args)
        found: T = self._made[key]
        return found

    @cached_property
    def written(self) -> Mapping[str, Scope]:
        """The scopes of the graph as it is written, by name: the top under the empty name, then the subgraphs."""
        return _scopes(self.graph, self.catalog)

    @cached_property
    def running(self) -> Graph:
        """The graph as it runs: without bypassed nodes."""
        return running(self.written)

    @cached_property
    def scopes(self) -> Mapping[str, Scope]:
        """The scopes of the graph as it runs: the top under the empty name, then the subgraphs in the file's order."""
        return self.written if self.running is self.graph else _scopes(self.running, self.catalog)

    @cached_property
    def calls(self) -> Mapping[str, Mapping[str, str]]:
        """For each scope the nodes that call a subgraph, with its name."""
        return {
            name: {node: body for node in scope.wiring.calling if (body := scope.subgraph(node)) is not None}
            for name, scope in self.scopes.items()
        }

    @cached_property
    def endless(self) -> Sequence[Sequence[str]]:
        """The cycles of subgraphs that hold each other, each from its first one in the file."""
        positions = {name: position for position, name in enumerate(self.scopes)}
        found = []
        for names in nx.strongly_connected_components(self._holding):
            first = min(names, key=positions.__getitem__)
            if len(names) > 1 or self._holding.has_edge(first, first):
                found.append([edge[0] for edge in nx.find_cycle(self._holding.subgraph(names), first)])
        return found

    @cached_property
    def bodies(self) -> Sequence[str]:
        """The subgraphs whose inside comes to an end, each after those that it calls."""
        dag = nx.DiGraph(self._holding)
        for cycle in self.endless:
            dag.remove_nodes_from({cycle[0], *nx.ancestors(self._holding, cycle[0])})
        return list(reversed(list(nx.topological_sort(dag))))

    @cached_property
    def _holding(self) -> "nx.DiGraph[str]":
        dag: nx.DiGraph[str] = nx.DiGraph()
        dag.add_nodes_from(name for name in self.scopes if name)
        dag.add_edges_from((name, body) for name, calls in self.calls.items() if name for body in calls.values())
        return dag

    @cached_property
    def _reach(self) -> tuple[Mapping[str, Needs], Mapping[str, Reach]]:
        return reach_of(self.scopes, self.bodies)

    @property
    def needs(self) -> Mapping[str, Needs]:
        """What each subgraph needs of its callers, by mode and output; not of one that holds itself."""
        return self._reach[0]

    @property
    def reached(self) -> Mapping[str, Reach]:
        """What each mode runs in each scope; not in a subgraph that holds itself."""
        return self._reach[1]

    def entered(self, path: Sequence[str]) -> tuple[str, list[str]]:
        """The subgraph to which a path of calls leads (empty for the top), and how far the path could be followed.

        Calls that are bypassed can be entered too.
        """
        scope, followed = "", list[str]()
        for name in path:
            body = self.written[scope].entries.get(name)
            if body is None:
                break
            scope = body
            followed.append(name)
        return scope, followed

    def callers(self, body: str) -> Mapping[str, list[str]]:
        """For each scope the nodes at which a subgraph is entered, bypassed ones among them; no scope without any."""
        calls = {
            name: [node for node, entered in scope.entries.items() if entered == body]
            for name, scope in self.written.items()
        }
        return {name: nodes for name, nodes in calls.items() if nodes}

    def at(self, path: str) -> tuple[Scope, str]:
        """The scope and the id of a call that runs, from its path (``roi_head.bbox_head``)."""
        *outer, name = path.split(".")
        scope = self.scopes[""]
        for part in outer:
            scope = self.scopes[str(scope.subgraph(part))]
        return scope, name


def _scopes(graph: Graph, catalog: Catalog) -> dict[str, Scope]:
    fields = FrozenDict({**graph.inputs, **graph.data_samples})
    outputs = {mode: {name: Wire.of(ref) for name, ref in graph.outputs[mode].items()} for mode in graph.modes}
    scopes = {"": Scope("", graph, catalog, fields, graph.nodes, outputs)}
    for name, body in graph.graphs.items():
        scopes[name] = Scope(name, graph, catalog, body.inputs, body.nodes, _outputs(body), body.params)
    return scopes


def _outputs(body: Subgraph) -> dict[str, dict[str, Wire]]:
    found: dict[str, dict[str, Wire]] = {}
    for mode in MODES:
        parts = {name: wire.in_mode(mode) for name, wire in body.outputs.items()}
        found[mode] = {name: Wire(((None, part),)) for name, part in parts.items() if part is not None}
    return found
