"""Everything that is wrong with a graph, found in one pass and without running anything.

``check`` looks at the top of a graph and at the body of each of its subgraphs alike. The rules themselves lie beside
this file, one family each: declarations, weights, nodes, parameters, wires, outputs, expansion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from composer.catalog import Catalog
from composer.graph import Graph
from composer.limits import Limits
from composer.problems import Problem
from composer.rules.class_names import check_class_names
from composer.rules.declarations import check_keys, declared_types
from composer.rules.expansion import Landings, check_definitions, check_expansion, check_layers, check_values
from composer.rules.flows import Flow, Signature
from composer.rules.nodes import Alike, Nodes
from composer.rules.outputs import check_outputs, check_rings, check_unused
from composer.rules.preprocessing import check_preprocess
from composer.rules.reach import Needs, Reach, reach_of
from composer.rules.report import Report
from composer.rules.scopes import Scope, scopes_of
from composer.rules.weights import check_weights
from composer.rules.wiring import Outputs, Wires

__all__ = ["check", "port_types"]


def check(graph: Graph, catalog: Catalog | None = None, limits: Limits | None = None) -> list[Problem]:
    """Find everything that is wrong with a graph.

    Args:
        graph: The graph.
        catalog: The components it may use; the default catalog if left out.
        limits: How large it may be; ``Limits()`` if left out.

    Returns:
        The problems in the order of the file; empty for a graph that can be compiled.
    """
    return _check(graph, Catalog.default() if catalog is None else catalog, limits or Limits()).report.problems()


def port_types(graph: Graph, catalog: Catalog | None = None) -> dict[str, dict[str, dict[str, Flow]]]:
    """What the outputs of every node carry: by scope (empty for the top), node and port.

    A node about which something is wrong that hides its ports is left out.
    """
    tables = _check(graph, Catalog.default() if catalog is None else catalog, Limits()).tables
    return {
        scope: {
            node: {port: flow for port, flow in outputs.items() if port is not None}
            for node, outputs in table.items()
            if outputs and node not in inputs
        }
        for scope, (table, inputs) in tables.items()
    }


@dataclass(eq=False)
class _Findings:
    """What a check found: the problems, and for each scope what its nodes carry and the names of its inputs."""

    report: Report
    tables: dict[str, tuple[dict[str, Outputs], Mapping[str, object]]] = field(default_factory=dict)


def _check(graph: Graph, catalog: Catalog, limits: Limits) -> _Findings:
    findings = _Findings(Report(graph))
    report = findings.report
    scopes = scopes_of(graph, catalog)
    bodies = check_definitions(report, scopes)
    within = check_expansion(report, scopes, bodies, limits)
    needs, reached = reach_of(scopes, bodies)
    signatures: dict[str, Signature] = {}
    alike: Alike = {}
    layers: dict[str, int] = {}
    for name in [*bodies, *(scopes.keys() - reached.keys()), ""]:
        count = _check_scope(findings, scopes[name], reached.get(name), needs, signatures, alike)
        if name in reached:
            layers[name] = count
    if within:
        landings = Landings(scopes, layers)
        check_values(report, scopes, landings)
        check_layers(report, scopes[""], landings, limits)
    if not report.errors:
        check_class_names(report, graph, catalog)
    return findings


def _check_scope(
    findings: _Findings,
    scope: Scope,
    reach: Reach | None,
    needs: Mapping[str, Needs],
    signatures: dict[str, Signature],
    alike: Alike,
) -> int:
    """Check one scope and keep its signature; gives the layers that its nodes declare.

    ``reach`` is None for a subgraph that holds itself: nothing can be said about what is run in it.
    """
    report = findings.report
    check_keys(report, scope)
    types = declared_types(report, scope)
    check_preprocess(report, scope)
    check_weights(report, scope)
    check_rings(report, scope)
    table: dict[str, Outputs] = {name: {None: kind} for name, kind in types.items()}
    findings.tables[scope.name] = (table, scope.inputs)
    wires = Wires(scope, report, table)
    nodes = Nodes(scope, report, reach or Reach(frozenset()), signatures, needs, alike, wires)
    nodes.check()
    outputs = check_outputs(report, scope, wires)
    if reach is not None and not wires.lost:
        check_unused(report, scope, reach)
    if scope.name in needs:
        signatures[scope.name] = Signature.of_subgraph(scope.name, types, outputs)
    return nodes.layers
