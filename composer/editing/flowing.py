"""What flows where in a graph, by port type, and whether one may be wired to another."""

from collections.abc import Mapping
from functools import cached_property

from composer.catalog import Catalog
from composer.component import Port
from composer.graph import MODES, Graph, Input, Ref
from composer.link import Called, called_in
from composer.ports import PortType, port_type
from composer.rules import port_types
from composer.rules.flows import UNKNOWN, ByMode, Flow, fits

__all__ = ["Flows", "entry_of", "fitting", "known_type"]


def entry_of(kind: PortType) -> PortType | None:
    """What one level of a sequence carries; None for what has no levels."""
    return port_type(kind.element) if kind.element is not None and kind.entries == "level" else None


def fitting(ref: Ref, given: PortType | None, wanted: PortType | None) -> Ref | None:
    """The reference that may be wired to a port: itself, or its last level; None where neither fits.

    Args:
        ref: The reference.
        given: What it carries; None where that is not known.
        wanted: What the port takes; None where that is not known.
    """
    if given is None or wanted is None or fits(given, wanted):
        return ref
    entry = entry_of(given) if ref.index is None else None
    return Ref(ref.source, ref.port, -1) if entry is not None and fits(entry, wanted) else None


class Flows:
    """What the inputs and nodes of a scope give.

    Args:
        graph: The graph.
        scope: Name of the subgraph; empty for the top.
        catalog: The components.
    """

    def __init__(self, graph: Graph, scope: str, catalog: Catalog) -> None:
        body = graph.graphs[scope] if scope else graph
        self.graph = graph
        self.catalog = catalog
        self.nodes = body.nodes
        self.fields: dict[str, Input] = {**body.inputs, **({} if scope else graph.data_samples)}
        self.scope = scope

    @cached_property
    def table(self) -> Mapping[str, Mapping[str, Flow]]:
        """What each output of each node carries."""
        return port_types(self.graph, self.catalog).get(self.scope, {})

    def of(self, ref: Ref) -> PortType | None:
        """What a reference carries; None where that is not known."""
        if ref.source in self.fields:
            flow: Flow | None = self.catalog.port_types.get(self.fields[ref.source].type)
        else:
            ports = self.table.get(ref.source, {})
            only = next(iter(ports)) if len(ports) == 1 else None
            flow = ports.get(ref.port or only or "")
        kind = known_type(flow)
        return kind if kind is None or ref.index is None else entry_of(kind)

    def called(self, name: str) -> Called:
        """What a node calls."""
        return called_in(self.nodes, name, self.graph.graphs, self.catalog)

    def input_port(self, name: str, port: str) -> Port | None:
        """An input port of a node; None where it is not known."""
        called = self.called(name)
        if called.component is not None:
            return called.component.input_by_name.get(port)
        if called.body is None or port not in called.body.inputs:
            return None
        kind = self.catalog.port_types.get(called.body.inputs[port].type)
        return Port(port, kind or UNKNOWN)


def known_type(flow: Flow | None) -> PortType | None:
    """What a wire carries, in the first mode that says so."""
    if isinstance(flow, ByMode):
        flow = next((flow.types[mode] for mode in MODES if mode in flow.types), None)
    return None if flow is UNKNOWN else flow
