"""Everything that is wrong with a graph, found in one pass and without running anything.

``check`` looks at the top of a graph and at the body of each of its subgraphs alike. The rules themselves lie beside
this file, one family each: declarations, weights, nodes, parameters, wires, outputs, expansion.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from composer.catalog import Catalog
from composer.catalog.limits import Limits
from composer.graph import MODES, Graph, Ref
from composer.graph.link import Detours, LinkedGraph, Reach, Scope, link
from composer.ports import PortType, port_type
from composer.problems import Problem
from composer.rules.annotations import check_annotations
from composer.rules.class_names import check_class_names
from composer.rules.declarations import check_keys, check_preprocess, declared_types
from composer.rules.expansion import Landings, check_definitions, check_expansion, check_layers, check_values
from composer.rules.nodes import Alike, Nodes
from composer.rules.outputs import check_bypassed, check_cycles, check_outputs, check_unused
from composer.rules.report import Report
from composer.rules.weights import check_weights
from composer.rules.wires import Flow, Outputs, Signature, Wires

__all__ = ["check", "port_types"]


def check(graph: Graph, catalog: Catalog | None = None, limits: Limits | None = None) -> list[Problem]:
    """Find everything that is wrong with a graph.

    Args:
        graph: The graph.
        catalog: The components that it may use; by default those that come with composer.
        limits: How much it may declare; by default ``Limits()``.

    Returns:
        The problems in the order of the file; empty for a graph that can be compiled.
    """
    linked = link(graph, Catalog.default() if catalog is None else catalog)
    return list(linked.once(_checked, limits or Limits()).problems)


def port_types(graph: Graph, catalog: Catalog | None = None) -> Mapping[str, Mapping[str, Mapping[str, Flow]]]:
    """What the outputs of every node carry: by scope (empty for the top), node and port.

    A node about which something is wrong that hides its ports is left out.
    """
    return link(graph, Catalog.default() if catalog is None else catalog).once(_port_types)


def _port_types(linked: LinkedGraph) -> Mapping[str, Mapping[str, Mapping[str, Flow]]]:
    tables = linked.once(_checked, Limits()).tables
    return {name: _flows(linked, name, table) for name, table in tables.items()}


@dataclass(frozen=True, eq=False)
class _Checked:
    """What a check found: the problems in the order of the file, and what the nodes of each scope carry."""

    problems: Sequence[Problem]
    tables: Mapping[str, Mapping[str, Outputs]]


def _checked(linked: LinkedGraph, limits: Limits) -> _Checked:
    report = Report(linked.graph)
    check_definitions(report, linked)
    within = check_expansion(report, linked, limits)
    signatures: dict[str, Signature] = {}
    alike: Alike = {}
    layers: dict[str, int] = {}
    tables: dict[str, dict[str, Outputs]] = {}
    for name in [*linked.bodies, *(linked.scopes.keys() - linked.reached.keys()), ""]:
        tables[name] = {}
        count = _check_scope(report, linked, linked.scopes[name], tables[name], signatures, alike)
        if name in linked.reached:
            layers[name] = count
    if within:
        landings = Landings(linked, layers)
        check_values(report, linked, landings)
        check_layers(report, linked.scopes[""], landings, limits)
    if not report.errors:
        check_class_names(report, linked)
    check_annotations(report, linked)
    return _Checked(report.problems(), tables)


def _flows(linked: LinkedGraph, name: str, table: Mapping[str, Outputs]) -> Mapping[str, Mapping[str, Flow]]:
    """What the outputs of a scope's nodes carry; those of a bypassed node carry what is led past it."""
    scope, written = linked.scopes[name], linked.written[name]
    found = {
        node: {port: flow for port, flow in outputs.items() if port is not None}
        for node, outputs in table.items()
        if outputs and node not in scope.inputs
    }
    past = Detours(written)
    for node in past.around:
        found[node] = {
            port: flow for port in written.called(node).outputs for flow in _past(past, Ref(node, port), table)
        }
    return found


def _past(past: Detours, ref: Ref, table: Mapping[str, Outputs]) -> Iterator[Flow]:
    """What a reference to a bypassed node carries, in the first mode in which anything does."""
    found = next((one for mode in MODES if (one := past.of(ref, mode)) is not None), None)
    flow = None if found is None else table.get(found.source, {}).get(found.port)
    if found is not None and found.index is not None:
        flow = port_type(flow.element) if isinstance(flow, PortType) and flow.is_sequence else None
    if flow is not None:
        yield flow


def _check_scope(
    report: Report,
    linked: LinkedGraph,
    scope: Scope,
    table: dict[str, Outputs],
    signatures: dict[str, Signature],
    alike: Alike,
) -> int:
    """Check one scope, fill its table and keep its signature; gives the layers that its nodes declare.

    Of a subgraph that holds itself nothing can be said about what is run in it.
    """
    reach = linked.reached.get(scope.name)
    check_keys(report, scope)
    types = declared_types(report, scope)
    check_preprocess(report, scope)
    check_weights(report, scope)
    check_bypassed(report, linked, scope)
    check_cycles(report, scope)
    table.update({name: {None: kind} for name, kind in types.items()})
    wires = Wires(scope, report, table)
    nodes = Nodes(scope, report, reach or Reach(frozenset()), signatures, linked.needs, alike, wires)
    nodes.check()
    outputs = check_outputs(report, scope, wires)
    if reach is not None and not wires.lost:
        check_unused(report, scope, reach)
    if scope.name in linked.needs:
        signatures[scope.name] = Signature.of_subgraph(scope.name, types, outputs)
    return nodes.layers
