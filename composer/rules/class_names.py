"""The rule about the names of classes: as many as what predict mode scores."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from composer.catalog.component import Component, Port
from composer.catalog.kinds import Kinds
from composer.graph.link import LinkedGraph
from composer.graph.plan import Call, Plan, Program, Value, plan
from composer.ports import Detections, Label, Logits, Score
from composer.problems import Edit, Fix
from composer.rules.report import Path, Report

__all__ = ["ClassCount", "check_class_names", "class_count", "parameter_path"]

_CLASSES = "num_classes"
"""The parameter that says how many classes there are, in the heads and targets of OpenMMLab."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A parameter of a module that says how many classes are scored."""

    module: str
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many classes a graph distinguishes, at one of its parts.

    Args:
        value: How many.
        path: Where the graph's document says so; None where that is not one number in one place.
        subject: The part and the parameter, as people read them: ``head.num_classes``.
        fix: Makes it another number wherever it stands; None where that cannot be done by edits.
    """

    value: int
    path: Path | None
    subject: str
    fix: Fix | None


def class_count(linked: LinkedGraph, count: int, names: Sequence[str] = ()) -> ClassCount | None:
    """How many classes a graph trains to distinguish, where that is another number than the data has.

    It is the number of classes that predict mode scores, if the part that says so is trained; or else that of the
    parts of loss mode with a ``num_classes``, of which 1 says only whether an object is there.

    Args:
        linked: A graph without errors.
        count: How many classes the data has.
        names: What the fix is to name the classes of the graph, too; empty where their names are to stay.

    Returns:
        What differs, and its fix; None where nothing does.
    """
    resolved, kinds = plan(linked.graph, linked.catalog), linked.catalog.kinds
    if "loss" not in resolved.programs:
        return None
    trained = {call.module: call for call in resolved.programs["loss"].calls if call.momentum is None}
    predict = resolved.programs.get("predict")
    places = [] if predict is None else [one for one in _places(resolved, predict, kinds) if one.module in trained]
    if not places:
        found = ((path, _value_of(resolved, call, _CLASSES)) for path, call in trained.items())
        places = [_Place(path, _CLASSES, value) for path, value in found if value is not None and value != 1]
    place = next((place for place in places if place.value != count), None)
    if place is None:
        return None
    written = parameter_path(linked, place.module, place.name)
    subject = f"{place.module}.{place.name}" if written is None else _shown(map(str, written)).replace(".params.", ".")
    return ClassCount(place.value, written, subject, _fix(linked, resolved, place, count, names))


def check_class_names(report: Report, linked: LinkedGraph) -> None:
    """Warn where predict mode scores another number of classes than the graph names.

    Args:
        report: Takes the problems; there is no error among them.
        linked: The graph.
    """
    graph = linked.running
    if not graph.classes or "predict" not in graph.modes:
        return
    resolved, kinds = plan(linked.graph, linked.catalog), linked.catalog.kinds
    program = resolved.programs["predict"]
    found = next((place for place in _places(resolved, program, kinds) if place.value != len(graph.classes)), None)
    if found is None:
        return
    count = len(graph.classes)
    words = "1 class" if count == 1 else f"{count} classes"
    said = f"the graph's classes name {words}, predict mode scores {found.value}"
    which = f"labels from {count} on have no name" if found.value > count else f"no label is {found.value} or more"
    path = parameter_path(linked, found.module, found.name)
    scope, node = linked.at(found.module)
    document = scope.path("nodes", str(scope.origin(node)))
    report.add(
        "class-names",
        path or document,
        f"{document[-1]}.{found.name}" if path is None else f"{path[-3]}.{path[-1]}",
        f"{said}: {which}",
        _fix(linked, resolved, found, count),
        severity="warning",
        parameter=found.name if path is None else str(path[-1]),
        mode="predict",
    )


def _places(resolved: Plan, program: Program, kinds: Kinds) -> Iterator[_Place]:
    """The parameters that say how many classes the outputs of predict mode score."""
    calls = {call.path: call for call in program.calls}
    for name, value in program.outputs:
        call = calls.get(value.source)
        port = None if call is None else call.component.output_by_name.get(value.port or "")
        if call is None or port is None:
            continue
        if port.type.is_a(Detections):
            yield from _nearest(resolved, calls, call)
        elif name == "scores" or port.type.is_a(Score, Logits, Label):
            yield from _traced(resolved, calls, call, port, kinds)


def _nearest(resolved: Plan, calls: Mapping[str, Call], start: Call) -> Iterator[_Place]:
    """The number of classes of the part that detections come from, by the fewest wires."""
    pending, seen = deque([start]), {start.path}
    while pending:
        call = pending.popleft()
        value = _value_of(resolved, call, _CLASSES)
        if value is not None:
            yield _Place(call.module, _CLASSES, value)
            return
        for source in (item.source for item in call.values):
            if source in calls and source not in seen:
                seen.add(source)
                pending.append(calls[source])


def _traced(resolved: Plan, calls: Mapping[str, Call], call: Call, port: Port, kinds: Kinds) -> Iterator[_Place]:
    """The parameter that names the axis of the classes, followed back along the wires."""
    if port.axes is None or len(port.axes) < 2:  # labels [B]: their scores stand beside them
        port = next((item for item in call.component.outputs if item.type.is_a(Score)), port)
    position = -1
    for _ in range(len(calls)):
        axis = _axis(port, position)
        if axis is None:
            return
        value = _value_of(resolved, call, axis)
        if value is not None and not kinds[call.component.kind].of_samples:
            yield _Place(call.module, axis, value)
            return
        step = _before(call, port, axis, position)
        if step is None or step[0].source not in calls:
            return
        wire, position = step
        call = calls[wire.source]
        following = call.component.output_by_name.get(wire.port or "")
        if following is None:
            return
        port = following


def _axis(port: Port, position: int) -> str | None:
    axes = port.axes or ()
    inside = -len(axes) <= position < len(axes)
    return axes[position] if inside else "..." if axes == ("...",) else None


def _before(call: Call, port: Port, axis: str, position: int) -> tuple[Value, int] | None:
    """The wire whose axis an output's axis is, and where it stands there."""
    arguments = dict(call.arguments)
    for entry in call.component.inputs:
        found = arguments.get(entry.name)
        wire = found[0] if isinstance(found, tuple) and found else found
        if not isinstance(wire, Value) or wire.index is not None or axis not in (entry.axes or ()):
            continue
        if axis == "...":
            return wire, position
        place = (entry.axes or ()).index(axis)
        return wire, place if "..." not in (entry.axes or ())[:place] else place - len(entry.axes or ())
    return None


def _value_of(resolved: Plan, call: Call, name: str) -> int | None:
    """A whole number that a module's parameter is, as it is written or by default; None where the wire gives it."""
    part = resolved.parts.get(call.module)
    if part is None or name not in call.component.parameter_by_name:
        return None
    value = part.params.get(name, call.component.defaults.get(name))
    return value if type(value) is int else None


def _fix(linked: LinkedGraph, resolved: Plan, found: _Place, count: int, names: Sequence[str] = ()) -> Fix | None:
    """The same number everywhere where it is the number of classes: in the head, in targets, in masks."""
    others = [
        path
        for path, part in resolved.parts.items()
        if _CLASSES in part.component.parameter_by_name
        and _part_value(part.component, part.params) == found.value
        and (path, _CLASSES) != (found.module, found.name)
        and part.copy_of is None
    ]
    if others and found.value == 1:  # whether an object is there at all is one class, too
        return None
    places = [(found.module, found.name), *((path, _CLASSES) for path in others)]
    paths = [parameter_path(linked, module, name) for module, name in places]
    if any(path is None for path in paths):
        return None
    keys = dict.fromkeys(tuple(str(key) for key in path) for path in paths if path is not None)
    words = ", ".join(dict.fromkeys(_shown(key) for key in keys))
    edits = tuple(Edit(key, count) for key in keys)
    named = "classes to those of the data, " if names else ""
    renamed = (Edit(("classes",), list(names)),) if names else ()
    return Fix(f"set {named}{words} to {count}", (*renamed, *edits), f"in place of {found.value} classes")


def _part_value(component: Component, params: Mapping[str, Any]) -> Any:
    return params.get(_CLASSES, component.defaults.get(_CLASSES))


def _shown(key: Iterable[str]) -> str:
    return ".".join(part for part in key if part not in ("graphs", "nodes"))


def parameter_path(linked: LinkedGraph, path: str, name: str) -> Path | None:
    """Where a parameter of a call is written, or would be: at the node, or at the call that gives a ``$name``.

    Returns:
        None where it is part of something that is written in another way.
    """
    scope, node = linked.at(path)
    origin = str(scope.origin(node))
    value = scope.nodes[origin].params.get(name)
    if not isinstance(value, str) or not value.startswith("$") or value.startswith("$$"):
        return scope.path("nodes", origin, "params", name) if value is None or type(value) is int else None
    outer = path.rpartition(".")[0]
    return parameter_path(linked, outer, value[1:]) if outer else None
