"""The rules about subgraphs: none holds itself, their expansion is not too large, and values fit where they land.

Nothing is expanded to be counted: a subgraph that doubles forty times is refused by arithmetic.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.catalog.component import Component
from composer.catalog.limits import Limits
from composer.graph.link import LinkedGraph, Scope
from composer.graph.templates import LEFT_OUT, fill, is_template, names_in
from composer.rules.parameters import parameter_faults, repaired
from composer.rules.report import Path, Report

__all__ = ["Landings", "check_definitions", "check_expansion", "check_layers", "check_values"]

_MANY = 10**15
"""Counts stop here."""


def check_definitions(report: Report, linked: LinkedGraph) -> None:
    """Report subgraphs that hold themselves."""
    for cycle in linked.endless:
        shown = " -> ".join([*cycle[:12], *(["..."] if len(cycle) > 12 else []), cycle[0]])
        message = f"{shown}: a subgraph cannot hold itself"
        caller = next(name for name, body in linked.calls[cycle[0]].items() if body == cycle[1 % len(cycle)])
        path = linked.scopes[cycle[0]].path("nodes", caller, "graph")
        report.add("recursive-subgraph", path, caller, message)


def check_expansion(report: Report, linked: LinkedGraph, limits: Limits) -> bool:
    """Whether the expansion of all subgraphs stays within the limits; reported if it does not."""
    sizes: dict[str, int] = {}
    depths: dict[str, int] = {}
    for name in [*linked.bodies, ""]:
        inner = [body for body in linked.calls[name].values() if body in sizes]
        sizes[name] = min(_MANY, len(linked.scopes[name].nodes) + sum(sizes[body] for body in inner))
        depths[name] = max((depths[body] + 1 for body in inner), default=0)
    if depths[""] > limits.nesting:
        message = f"subgraphs hold subgraphs {depths['']:,} deep, at most {limits.nesting:,} are accepted"
        report.add("too-deep-nesting", ("nodes",), "nodes", message)
    if sizes[""] > limits.nodes:
        found = f"the graph has {_shown(sizes[''])} nodes when every subgraph is expanded"
        message = f"{found}, at most {limits.nodes:,} are accepted"
        report.add("too-many-nodes", ("nodes",), "nodes", message)
    return depths[""] <= limits.nesting and sizes[""] <= limits.nodes


@dataclass(frozen=True, eq=False, slots=True)
class Fault:
    """A value of a subgraph's parameter that does not fit where it lands.

    Args:
        name: The subgraph's parameter.
        site: Where it lands: subgraph, node and parameter.
        message: What is wrong with the value; empty where it is needed and left out.
        component: What it lands in.
        parameter: The component's parameter.
        whole: Whether the value lands there as it is.
    """

    name: str
    site: str
    message: str
    component: Component
    parameter: str
    whole: bool


@dataclass(frozen=True, eq=False, slots=True)
class Landed:
    """What a scope's nodes declare when its parameters have certain values."""

    layers: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, eq=False)
class Landings:
    """Follows values into subgraphs, to the parameters of components in which they land.

    Args:
        linked: The graph.
        layers: For each scope, the layers that its nodes declare whatever its parameters are.
    """

    linked: LinkedGraph
    layers: Mapping[str, int]
    _known: dict[tuple[str, str], Landed] = field(default_factory=dict)

    def look(self, name: str, given: Mapping[str, Any]) -> Landed:
        """What a scope declares when its parameters are given these values and else have their defaults."""
        key = (name, repr(sorted(given.items())))
        if key not in self._known:
            scope = self.linked.scopes[name]
            self._known[key] = self._look(scope, {**(scope.params or {}), **given})
        return self._known[key]

    def _look(self, scope: Scope, values: Mapping[str, Any]) -> Landed:
        layers = self.layers[scope.name]
        faults: list[Fault] = []
        for name in scope.templated:
            component = scope.component(name)
            if component is not None:
                params = _filled(scope, name, values)
                faults.extend(_faults(scope, name, component, params))
                builds = scope.nodes[name].weights.rule != "share"
                layers += component.declared_layers(_present(params)) if builds else 0
        for name, body in self.linked.calls[scope.name].items():
            if body not in self.layers:
                continue
            inner = self.look(body, _present(_filled(scope, name, values)))
            layers += inner.layers if scope.nodes[name].weights.rule != "share" else 0
            faults.extend(_outside(scope, name, inner.faults))
        return Landed(min(layers, _MANY), tuple(faults))


def _filled(scope: Scope, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    params = scope.params_of(name)
    return dict(params) if scope.params is None else {key: fill(value, values) for key, value in params.items()}


def _present(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if value is not LEFT_OUT}


def _faults(scope: Scope, name: str, component: Component, params: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the parameters of a node that depend on those of the subgraph around it."""
    node = scope.nodes[name]
    for key, template in node.params.items():
        parameter = component.parameter_by_name.get(key)
        if parameter is None or not is_template(template):
            continue
        message: str | None = None
        if params[key] is not LEFT_OUT:
            message = parameter_faults(component, {key: params[key]}).get(key)
        elif parameter.required and not _from_wire(component, key, node.inputs):
            message = ""
        for outer in () if message is None else _declared(scope, template):
            site = f"{scope.name}.{name}.{key}"
            yield Fault(outer, site, message or "", component, key, template == f"${outer}")


def _declared(scope: Scope, template: Any) -> list[str]:
    """The parameters of a subgraph that a value inside it depends on."""
    return sorted(set(names_in(template)) & (scope.params or {}).keys())


def _from_wire(component: Component, parameter: str, wired: Mapping[str, Any]) -> bool:
    source = component.from_wire.get(parameter)
    return source is not None and source[0].name in wired


def _outside(scope: Scope, name: str, faults: tuple[Fault, ...]) -> Iterator[Fault]:
    """The faults inside a call, as those of the parameters of the subgraph around the call."""
    params = scope.nodes[name].params
    for fault in faults:
        template = params.get(fault.name)
        for outer in _declared(scope, template):
            whole = fault.whole and template == f"${outer}"
            yield Fault(outer, fault.site, fault.message, fault.component, fault.parameter, whole)


def check_values(report: Report, linked: LinkedGraph, landings: Landings) -> None:
    """Report the defaults of subgraphs and the values at their calls that do not fit where they land."""
    for scope in linked.scopes.values():
        if scope.name in landings.layers and scope.params:
            for fault in _first(landings.look(scope.name, {}).faults):
                value = scope.params.get(fault.name)
                if fault.message and value is not None:
                    path = scope.path("params", fault.name)
                    _bad_value(report, path, f"params.{fault.name}", fault, value)
        for name, body in linked.calls[scope.name].items():
            if body in landings.layers and scope.nodes[name].weights.rule == "own":
                _check_call(report, scope, name, landings)


def _check_call(report: Report, scope: Scope, name: str, landings: Landings) -> None:
    body = str(scope.nodes[name].graph)
    params = scope.nodes[name].params
    inside = scope.params is not None
    given = {key: value for key, value in params.items() if not (inside and is_template(value))}
    for fault in _first(landings.look(body, given).faults):
        left_out = params.get(fault.name) is None
        if left_out and not fault.message:
            message = f"subgraph '{body}' needs the parameter '{fault.name}'; it lands in {fault.site}"
            report.add(
                "missing-parameter", scope.path("nodes", name), f"{name}.{fault.name}", message, parameter=fault.name
            )
        elif fault.name in given and fault.message:
            path = scope.path("nodes", name, "params", fault.name)
            _bad_value(report, path, f"{name}.{fault.name}", fault, given[fault.name])


def _bad_value(report: Report, path: Path, subject: str, fault: Fault, value: Any) -> None:
    shown = ".".join(str(part) for part in path[-3:] if part != "nodes")
    fix = repaired(fault.component, fault.parameter, value, path, shown) if fault.whole else None
    report.add("bad-parameter", path, subject, f"{fault.message}; it lands in {fault.site}", fix, parameter=fault.name)


def _first(faults: tuple[Fault, ...]) -> Iterator[Fault]:
    """One fault for each parameter."""
    seen: set[str] = set()
    for fault in faults:
        if fault.name not in seen:
            seen.add(fault.name)
            yield fault


def check_layers(report: Report, scope: Scope, landings: Landings, limits: Limits) -> None:
    """Report a graph whose parameters declare too many layers.

    Args:
        report: Takes the problems.
        scope: The top of the graph.
        landings: Counts the layers of subgraphs.
        limits: The limits.
    """
    found = landings.look("", {}).layers
    if found <= limits.layers:
        return
    message = f"the graph declares {_shown(found)} layers, at most {limits.layers:,} are accepted"
    for name in scope.nodes:
        component = scope.component(name)
        declared = component.declared_layers(scope.params_of(name)) if component is not None else 0
        if declared > limits.layers:
            message = f"{name} declares {_shown(declared)} layers, at most {limits.layers:,} are accepted in the graph"
            report.add("too-many-layers", scope.path("nodes", name, "params"), name, message)
            return
    report.add("too-many-layers", ("nodes",), "nodes", message)


def _shown(count: int) -> str:
    return f"at least {_MANY:,}" if count >= _MANY else f"{count:,}"
