"""The rules about parameters: known names, values that fit, nothing required left out."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt

from composer.catalog.component import Component
from composer.graph import FrozenDict, thaw
from composer.graph.link import Scope
from composer.graph.templates import is_template, names_in
from composer.problems import Fix, is_typo, nearest
from composer.rules.report import Path, Report, lost, put, take

__all__ = ["Place", "check_names", "check_parameters", "parameter_faults", "repaired", "unknown_parameter"]


@dataclass(frozen=True, slots=True)
class Place:
    """The node whose parameters are looked at: its id, its document path and the scope that holds it."""

    scope: Scope
    node: str

    def path(self, *keys: str) -> Path:
        """Document path of something of the node."""
        return self.scope.path("nodes", self.node, *keys)


def check_parameters(report: Report, place: Place, component: Component, wired: Mapping[str, Any]) -> None:
    """Check the parameters of a node that has weights of its own.

    Args:
        report: Takes the problems.
        place: The node.
        component: What it calls.
        wired: Its input ports that have a wire.
    """
    given = place.scope.nodes[place.node].params
    templates = place.scope.params is not None
    known: dict[str, Any] = {}
    for name, value in given.items():
        if name not in component.parameter_by_name:
            unknown_parameter(report, place, name, f"'{component.name}'", component.parameter_by_name)
        elif templates and is_template(value):
            check_names(report, place, name, value)
        else:
            known[name] = value
    for name, message in parameter_faults(component, known).items():
        path = place.path("params", name)
        fix = repaired(component, name, known[name], path, f"{place.node}.params.{name}")
        report.add("bad-parameter", path, f"{place.node}.{name}", message, fix, parameter=name)
    for parameter in component.required if place.node not in place.scope.loose else ():
        if parameter.name not in given:
            _missing(report, place, component, parameter.name, wired)


def _missing(report: Report, place: Place, component: Component, name: str, wired: Mapping[str, Any]) -> None:
    source = component.from_wire.get(name)
    if source is not None and source[0].name in wired:
        return
    message = f"'{component.name}' needs the parameter '{name}'"
    if source is not None:
        message += f"; it is taken from the wire into '{source[0].name}', which has none"
    report.add("missing-parameter", place.path(), f"{place.node}.{name}", message, parameter=name)


def unknown_parameter(report: Report, place: Place, name: str, called: str, known: Mapping[str, Any]) -> None:
    """Report a parameter that what a node calls does not have."""
    given = place.scope.nodes[place.node].params
    path = place.path("params", name)
    near, hint = report.lookup(name, known, "parameters")
    near = [other for other in near if other not in given]
    fix = take(path, f"remove {place.node}.params.{name}", lost("its value", given[name]))
    if near:
        moved = put(place.path("params", near[0]), thaw(given[name]), "")
        fix = Fix(f"rename {place.node}.params.{name} to {near[0]}", (*moved.edits, *fix.edits))
    report.add(
        "unknown-parameter",
        path,
        f"{place.node}.{name}",
        f"{called} has no parameter '{name}'; {hint}",
        fix,
        parameter=name,
    )


def check_names(report: Report, place: Place, name: str, value: Any) -> None:
    """Report each ``$name`` in a parameter that the subgraph around it does not declare."""
    declared = place.scope.params or {}
    for inner in sorted(set(names_in(value)) - declared.keys()):
        path = place.path("params", name)
        near, hint = report.lookup(inner, declared, "parameters of the subgraph")
        renamed = near and value == f"${inner}"
        fix = put(path, f"${near[0]}", f"set {place.node}.params.{name} to ${near[0]}") if renamed else None
        message = f"subgraph '{place.scope.name}' declares no parameter '{inner}', found ${inner}; {hint}"
        report.add("unknown-parameter", path, f"{place.node}.{name}", message, fix, parameter=name)


def parameter_faults(component: Component, params: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with values, by parameter; where a value may be one of several types, all that was expected."""
    found: dict[str, list[str]] = {}
    for fault in component.faults(params):
        if fault.parameter not in found:
            found[fault.parameter] = [str(fault), fault.expected]
        elif fault.expected and fault.expected not in found[fault.parameter][1:]:
            found[fault.parameter].append(fault.expected)
    return {name: ", or ".join((text, *others)) for name, (text, _, *others) in found.items()}


def repaired(component: Component, name: str, value: Any, path: Path, subject: str) -> Fix | None:
    """A fix that puts the obvious value in place of a wrong one, if there is one.

    Args:
        component: What has the parameter.
        name: The parameter.
        value: Its wrong value.
        path: Where it is in the document.
        subject: The same as people read it.
    """
    for other in _repairs(value, component.parameter_by_name[name].annotation):
        if not component.faults({name: other}):
            shown = f"'{other}'" if isinstance(other, str) else str(other).lower() if isinstance(other, bool) else other
            changes = "" if _means(value, other) else f"in place of {thaw(value)!r}"
            return put(path, other, f"set {subject} to {shown}", changes)
    return None


def _means(value: Any, other: Any) -> bool:
    """Whether another value is the same in another type, or the choice that was mistyped."""
    if isinstance(value, str) and isinstance(other, str):
        return is_typo(value, other)
    numbers = isinstance(value, int | float) and isinstance(other, int | float)
    return not numbers or float(value) == float(other)


def _repairs(value: Any, annotation: Any) -> Iterator[Any]:
    """Values that may have been meant: the same in another type, the bound that was passed, the nearest choice."""
    if isinstance(value, str):
        yield from _read(value)
        yield from nearest(value, [choice for choice in _choices(annotation) if isinstance(choice, str)], 1)
    elif isinstance(value, bool):
        yield int(value)
    elif isinstance(value, int | float):
        yield from ([int(value)] if isinstance(value, float) and value.is_integer() else [])
        yield from _clamped(value, annotation)
        yield str(value)
    if isinstance(value, tuple) and len(value) == 1:
        yield thaw(value[0])
    elif not isinstance(value, tuple | FrozenDict) and value is not None:
        yield [value]


def _read(text: str) -> Iterator[Any]:
    folded = text.strip().casefold()
    if folded in ("true", "yes", "on", "false", "no", "off"):
        yield folded in ("true", "yes", "on")
    for kind in (int, float):
        try:
            number = kind(folded)
        except ValueError:
            continue
        if math.isfinite(number):
            yield number


def _clamped(value: float, annotation: Any) -> Iterator[float]:
    whole = isinstance(value, int)
    for bound in _metadata(annotation):
        if isinstance(bound, Ge) and value < bound.ge:  # type: ignore[operator]
            yield bound.ge  # type: ignore[misc]
        elif isinstance(bound, Le) and value > bound.le:  # type: ignore[operator]
            yield bound.le  # type: ignore[misc]
        elif isinstance(bound, Gt) and value <= bound.gt and whole:  # type: ignore[operator]
            yield bound.gt + 1  # type: ignore[operator]
        elif isinstance(bound, Lt) and value >= bound.lt and whole:  # type: ignore[operator]
            yield bound.lt - 1  # type: ignore[operator]


def _metadata(annotation: Any) -> Iterator[Any]:
    """What is annotated, also inside ``X | None`` and in groups such as ``Interval``."""
    if get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _metadata(part)
    elif get_origin(annotation) is Annotated:
        for extra in get_args(annotation)[1:]:
            yield from extra if isinstance(extra, GroupedMetadata) else [extra]
        yield from _metadata(get_args(annotation)[0])


def _choices(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) in (Union, UnionType, Annotated):
        for part in get_args(annotation):
            yield from _choices(part)
