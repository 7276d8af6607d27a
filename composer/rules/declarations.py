"""The rules about what a file declares beside its nodes: keys, inputs, their shapes and how images become them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from composer.graph import Graph, Input, Node, Preprocess, Ref, Subgraph, thaw
from composer.graph.link import Scope
from composer.ports import PortType
from composer.problems import Edit, Fix
from composer.rules.report import Path, Report, lost, put, take
from composer.rules.wires import UNKNOWN

__all__ = ["LARGEST", "check_keys", "check_preprocess", "declared_types"]


LARGEST = 2**31
"""Largest size of an axis that an input may declare."""


def check_keys(report: Report, scope: Scope) -> None:
    """Report the keys of a scope, of its inputs and of its nodes that mean nothing in this release."""
    if scope.name:
        _keys(report, scope.path(), f"subgraph '{scope.name}'", scope.graph.graphs[scope.name])
    else:
        _keys(report, (), "the graph", scope.graph)
    for path, declared in _inputs(scope).items():
        _keys(report, path, f"input '{path[-1]}'", declared)
    for name in scope.wiring.odd:
        _keys(report, scope.path("nodes", name), f"node '{name}'", scope.nodes[name])


def _keys(report: Report, around: Path, owner: str, part: Graph | Subgraph | Node | Input) -> None:
    for key, value in part.extra.items():
        path = (*around, key)
        known = {item.name: item.default for item in fields(part) if item.name not in ("extra", "source")}
        near, hint = report.lookup(str(key), known, "keys")
        near = [name for name in near if getattr(part, name) == known[name]]
        fix = take(path, f"remove the key {key}", lost("its value", value))
        if near:
            moved = put((*around, near[0]), thaw(value), "")
            fix = Fix(f"rename the key {key} to {near[0]}", (*moved.edits, *fix.edits))
        report.add(
            "unknown-key", path, ".".join(str(part) for part in path), f"{owner} has no key '{key}'; {hint}", fix
        )


def declared_types(report: Report, scope: Scope) -> dict[str, PortType]:
    """The port types that a scope's inputs declare; their problems are reported."""
    known = scope.catalog.port_types
    found: dict[str, PortType] = {}
    for path, declared in _inputs(scope).items():
        name = str(path[-1])
        found[name] = known.get(declared.type, UNKNOWN)
        if declared.type not in known:
            near, hint = report.lookup(declared.type, known, "port types")
            at = (*path, "type")
            fix = put(at, near[0], f"set the type of {name} to {near[0]}") if near else None
            report.add("unknown-port-type", at, name, f"there is no port type '{declared.type}'; {hint}", fix)
        _shape(report, path, declared.shape or ())
        if not scope.name and declared.shape is None and name in scope.wiring.used:
            _no_shape(report, scope, path, found[name])
    return found


def _no_shape(report: Report, scope: Scope, path: Path, kind: PortType) -> None:
    """Warn of an input whose sizes neither the graph nor its type gives: no example of it can be made."""
    if kind is UNKNOWN or kind.shape is not None:
        return
    name = str(path[-1])
    if kind.is_sequence or kind.opaque:
        message = f"no example of the type {kind.name} can be made, so the graph can only be run with values of its own"
        report.add("no-shape", path, name, message, severity="warning")
        return
    shape = next(_shapes_of_ports(scope, name), None)
    fix = None if shape is None else put((*path, "shape"), shape, f"set the shape of {name} to {shape}")
    message = "it declares no shape, so no sizes are known behind it and no example of it can be made"
    report.add("no-shape", path, name, f"{message}; expected one such as [B, 16]", fix, severity="warning")


def _shapes_of_ports(scope: Scope, name: str) -> Iterator[list[int | str]]:
    """The shapes that the ports declare to which an input is wired; not those of any number of axes."""
    for node, given in scope.nodes.items():
        component = scope.component(node)
        for port, wire in given.inputs.items() if component is not None else ():
            declared = component.input_by_name.get(port) if component is not None else None
            axes = None if declared is None else declared.axes
            if axes and "..." not in axes and any(ref == Ref(name) for ref in wire.refs):
                params = {item.name: item.default for item in component.parameters} if component is not None else {}
                params |= scope.params_of(node)
                yield [int(axis) if axis.isdigit() else _number(params.get(axis), axis) for axis in axes]


def _number(value: Any, axis: str) -> int | str:
    return value if type(value) is int else axis


def _shape(report: Report, path: Path, shape: Sequence[int | str]) -> None:
    for axis, size in enumerate(shape):
        if isinstance(size, str) or (type(size) is int and 1 <= size <= LARGEST):
            continue
        fix = None
        if size == -1:
            free = "B" if axis == 0 and "B" not in shape else f"N{axis}"
            sizes = [free if index == axis else other for index, other in enumerate(shape)]
            fix = put((*path, "shape"), sizes, f"write {free}, which stands for any size")
        message = f"axis {axis} has the size {size}; expected a number from 1 to {LARGEST:,} or a name"
        report.add("bad-shape", (*path, "shape"), str(path[-1]), message, fix)


def _inputs(scope: Scope) -> dict[Path, Input]:
    if scope.name:
        return {scope.path("inputs", name): declared for name, declared in scope.inputs.items()}
    graph = scope.graph
    sections: list[tuple[str, Mapping[str, Input]]] = [("inputs", graph.inputs), ("data_samples", graph.data_samples)]
    return {(section, name): declared for section, inputs in sections for name, declared in inputs.items()}


_COUNTS = {"gray": 1, "rgb": 3, "bgr": 3}
_BRIGHTNESS = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601), as images are made gray
_IMAGE = 4


def check_preprocess(report: Report, scope: Scope) -> None:
    """Report inputs that take another number of channels than their ``preprocess`` makes."""
    if scope.name:
        return
    for name, declared in scope.graph.inputs.items():
        steps, taken = declared.preprocess, _channels(declared)
        if steps is None or taken is None:
            continue
        numbers = steps.mean or steps.std
        made = _COUNTS.get(steps.channels, len(numbers) if numbers else taken)
        if made == taken:
            continue
        path: Path = ("inputs", name, "preprocess")
        text = f"preprocess makes {_many(made)} ({steps.channels}), the input takes {_many(taken)}"
        text += "" if taken in _COUNTS.values() else "; an image has 1 or 3, bands come as arrays (channels: bands)"
        fix = _fix(path, steps, taken)
        report.add("preprocess-channels", (*path, "channels"), f"inputs.{name}", text, fix, port=name)


def _channels(declared: Input) -> int | None:
    shape = declared.shape
    return shape[1] if shape is not None and len(shape) == _IMAGE and isinstance(shape[1], int) else None


def _many(count: int) -> str:
    return f"{count} channel{'' if count == 1 else 's'}"


def _fix(path: Path, steps: Preprocess, taken: int) -> Fix | None:
    """Other channels with numbers that mean the same: of gray images each of three is gray."""
    if taken == 1 and steps.channels in ("rgb", "bgr"):
        return _gray(path, steps)
    if taken == _COUNTS["rgb"] and steps.channels == "gray":
        numbers = {key: list(value) * taken for key in ("mean", "std") if (value := getattr(steps, key)) is not None}
        return _put(path, {"channels": "rgb", **numbers}, "three channels of one image: rgb, with ", steps.channels)
    if taken not in _COUNTS.values() and steps.mean is None and steps.std is None:
        changes = f"arrays in place of images, {steps.channels}"
        return put((*path, "channels"), "bands", "set channels to bands", changes)
    return None


def _gray(path: Path, steps: Preprocess) -> Fix:
    """Gray images; what they are normalised by is as bright as the three colours are."""
    shares = _BRIGHTNESS if steps.channels == "rgb" else _BRIGHTNESS[::-1]
    found: dict[str, Any] = {"channels": "gray"}
    for key in ("mean", "std"):
        values = getattr(steps, key)
        if values is not None:
            mixed = round(sum(share * value for share, value in zip(shares, values, strict=True)), 3)
            found[key] = [values[0] if len(set(values)) == 1 else mixed]
    changes = any(len(set(getattr(steps, key) or (0,))) > 1 for key in ("mean", "std"))
    what = "gray images, normalised by the brightness of the three colours: " if changes else "gray: "
    return _put(path, found, what, steps.channels)


def _put(path: Path, values: dict[str, Any], what: str, before: str) -> Fix:
    shown = ", ".join(f"{key} {value}" for key, value in values.items())
    edits = tuple(Edit((*(str(key) for key in path), key), value) for key, value in values.items())
    return Fix(f"{what}{shown}", edits, f"in place of {before}")
