"""All that is known of a graph: what is wrong, what flows where, which sizes; and of the scope that is open."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from composer.catalog import Catalog
from composer.edits.flows import Flows
from composer.graph import MODES, Graph, Input, Node, Ref, Source, Subgraph
from composer.graph.file import positions
from composer.graph.link import Called, Detours, LinkedGraph, Scope, link
from composer.ports import PortType
from composer.problems import Problem
from composer.rules import check
from composer.rules.sizes import Shapes, infer_shapes
from composer.run.images import unprepared

__all__ = ["Insight", "OpenScope", "Total", "insight_of"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Insight:
    """What is known of a graph.

    Args:
        graph: The graph.
        catalog: The components.
        shapes: Sizes and problems.
        sizes_known: Whether sizes could be inferred at all.
    """

    graph: Graph
    catalog: Catalog
    shapes: Shapes
    sizes_known: bool

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """All that is wrong, and what a run on an image would refuse."""
        found = self.shapes.problems
        wrong = any(problem.severity == "error" for problem in found)
        return found if wrong else [*found, *unprepared(self.graph, self.catalog.port_types)]

    @property
    def linked(self) -> LinkedGraph:
        """The graph, resolved."""
        return link(self.graph, self.catalog)

    @cached_property
    def totals(self) -> Mapping[str, "Total"]:
        """What nodes hold and cost, by path; of a call of a subgraph, all that is in it."""
        found: dict[str, Total] = {}
        for path, size in self.shapes.nodes.items():
            parts = path.split(".")
            for depth in range(1, len(parts) + 1):
                total = found.setdefault(".".join(parts[:depth]), Total({}))
                total.parameters += size.parameters
                total.trainable += size.trainable
                for mode, count in size.flops.items():
                    total.flops[mode] = total.flops.get(mode, 0) + count
        return found

    def output_type(self, body: str, port: str) -> PortType | None:
        """What an output of a subgraph carries, as far as its inside shows."""
        ref = next(iter(self.graph.graphs[body].outputs[port].refs), None)
        return None if ref is None else Flows(self.graph, body, self.catalog).of(ref)

    def open(self, path: Sequence[str]) -> "OpenScope":
        """The scope to which a path of calls leads, as far as there are such calls."""
        outer: OpenScope | None = None
        _, followed = self.linked.entered(path)
        for depth in range(len(followed) + 1):
            outer = OpenScope(self, tuple(followed[:depth]), self.linked.entered(followed[:depth])[0], outer)
        assert outer is not None
        return outer


@dataclass
class Total:
    """Parameters and FLOPs of a node, or of all that is in a call."""

    flops: dict[str, int]
    parameters: int = 0
    trainable: int = 0


@dataclass(frozen=True, eq=False)
class OpenScope:
    """The scope that is open: the top, or the inside of one call of a subgraph.

    Args:
        insight: What is known of the graph.
        path: The calls that lead here.
        scope: Name of the subgraph; empty at the top.
        outer: The scope around it.
    """

    insight: Insight
    path: tuple[str, ...]
    scope: str
    outer: "OpenScope | None"

    @property
    def graph(self) -> Graph:
        """The whole graph."""
        return self.insight.graph

    @cached_property
    def body(self) -> Graph | Subgraph:
        """What is open."""
        return self.graph.graphs[self.scope] if self.scope else self.graph

    @cached_property
    def written(self) -> Scope:
        """What is open, resolved."""
        return self.insight.linked.written[self.scope]

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """Its nodes."""
        return self.written.nodes

    @cached_property
    def fields(self) -> Mapping[str, Input]:
        """Its inputs and the fields of the data samples."""
        return self.written.inputs

    @cached_property
    def flows(self) -> Flows:
        """What flows in it, by port type."""
        return Flows(self.graph, self.scope, self.insight.catalog)

    @cached_property
    def known(self) -> Mapping[str, Called]:
        """What each node calls."""
        return {name: self.written.called(name) for name in self.nodes}

    @cached_property
    def past(self) -> Detours:
        """Where references lead that read a bypassed node."""
        return Detours(self.written)

    def key(self, name: str) -> str:
        """Path of a node, as sizes are kept by."""
        return ".".join((*self.path, name)) if self.path else name

    def port(self, ref: Ref) -> str | None:
        """The port that a reference means; None for an input, and where it is not known."""
        return self.known[ref.source].full(ref).port if ref.source in self.nodes else ref.port

    def size(self, ref: Ref, modes: Sequence[str] = MODES) -> Any:
        """Sizes of what a reference carries, in the first of these modes in which they are known."""
        order = _first_to_last(tuple(modes))
        key = (ref.source, ref.port, ref.index, order)
        if key not in self._sizes:
            found = (self._size(ref, mode) for mode in order)
            self._sizes[key] = next((size for size in found if size is not None), None)
        return self._sizes[key]

    @cached_property
    def _sizes(self) -> dict[Any, Any]:
        """What ``size`` found: the box, the wire and the node of a port all ask."""
        return {}

    def _size(self, ref: Ref, mode: str) -> Any:
        led = self.past.of(ref, mode)
        if led is None:
            return None
        ref = led
        if ref.source in self.nodes:
            port = self.port(ref)
            found = self.insight.shapes.ports.get(mode, {}).get(f"{self.key(ref.source)}.{port}")
        elif self.outer is None:
            found = self.insight.shapes.ports.get(mode, {}).get(ref.source)
        else:
            found = next((size for size in self._from_outside(ref.source, mode) if size is not None), None)
        return found if found is None or ref.index is None else _level(found, ref.index)

    def _from_outside(self, name: str, mode: str) -> Iterator[Any]:
        """Sizes of what the call that is entered has on one of its ports."""
        if self.outer is None:
            return
        wire = self.outer.nodes[self.path[-1]].inputs.get(name)
        here = None if wire is None else wire.in_mode(mode)
        for ref in () if here is None else here.refs:
            yield self.outer._size(ref, mode)


def insight_of(graph: Graph, catalog: Catalog) -> Insight:
    """Find out all about a graph, as far as that can be."""
    graph = replace(graph, source=Source("", positions(graph, catalog)))
    try:
        return Insight(graph, catalog, infer_shapes(graph, catalog), True)
    except Exception:  # noqa: BLE001 - a component of any library may raise anything
        _log.exception("sizes could not be inferred")
        return Insight(graph, catalog, Shapes({}, {}, check(graph, catalog)), False)


@lru_cache(64)
def _first_to_last(modes: tuple[str, ...]) -> tuple[str, ...]:
    """These modes, then the others."""
    return tuple(dict.fromkeys((*modes, *MODES)))


def _level(sizes: Any, index: int) -> Any:
    many = isinstance(sizes, tuple) and -len(sizes) <= index < len(sizes)
    found = sizes[index] if many else None
    return found if isinstance(found, tuple) else None
