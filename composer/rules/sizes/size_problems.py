"""What inference found wrong, as problems with a place in the file and a repair."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Node, Wire, thaw
from composer.graph.link import LinkedGraph, Scope
from composer.graph.names import fresh, snake
from composer.graph.plan import Call, Value
from composer.ports import InputError, RefusedInputError
from composer.problems import Edit, Fix, Problem, Where
from composer.rules.report import Path, put, where_of
from composer.rules.sizes.axes import Mismatch

__all__ = ["index_problem", "mismatch_problem", "node_problem", "value_problem"]


def mismatch_problem(
    linked: LinkedGraph, call: Call, found: Mismatch, params: Mapping[str, Any], mode: str | None
) -> Problem:
    """A size on a wire that is not the one the port declares."""
    argument = dict(call.arguments)[found.port.name]
    value = argument[found.entry or 0] if isinstance(argument, tuple) else argument
    wire = str(value)
    if isinstance(argument, Value) and found.entry is not None:
        wire = f"{wire}[{found.entry}]"
    port = f"{call.path}.{found.port.name}"
    scope, name = linked.at(call.path)
    fix = _size_fix(call, found, params, scope.path("nodes", name, "params"), scope.nodes[name])
    path = scope.path("nodes", name, "inputs", found.port.name)
    written = scope.nodes[name].inputs[found.port.name]
    source = _source(written, mode, found.entry, isinstance(argument, tuple))
    where = _where(linked, call, path, f"{wire} -> {port}", port=found.port.name, mode=mode, source=source)
    return Problem("shape-mismatch", where, found.text(wire, port), fix)


def _where(linked: LinkedGraph, call: Call, path: Path, subject: str, **where: Any) -> Where:
    """The place of a problem of one call."""
    return where_of(linked.graph, path, subject, calls=tuple(call.path.split(".")[:-1]), **where)


def _source(wire: Wire, mode: str | None, entry: int | None, many: bool) -> str | None:
    """The reference of a port's wire that a size is about; None where that is not to be reported."""
    refs = {part.refs for given, part in wire.parts if mode is None or given in (None, mode)}
    at = entry or 0 if many else 0
    found = {here[at] for here in refs if at < len(here)}
    return str(found.pop()) if len(found) == 1 else None


def _size_fix(call: Call, found: Mismatch, params: Mapping[str, Any], path: Path, node: Node) -> Fix | None:
    """A parameter set to the size that is there; one that lists sizes to those of all levels."""
    parameter = call.component.parameter_by_name.get(found.axis or "")
    if parameter is None or str(node.params.get(parameter.name, "")).startswith("$"):
        return None
    now = params.get(parameter.name, call.component.defaults.get(parameter.name))
    sizes = found.levels or ()
    value: Any = None
    if isinstance(now, list | tuple):
        value = list(sizes)
    elif isinstance(now, int) and found.entry is None:
        value = found.found if isinstance(found.found, int) else None
    elif isinstance(now, int) and len(set(sizes)) == 1:
        value = sizes[0]
    if not value:
        return None
    return put((*path, parameter.name), value, f"set {call.path}.params.{parameter.name} to {value}")


def index_problem(linked: LinkedGraph, call: Call, port: str, value: Value, levels: int) -> Problem:
    """A reference to a level that a sequence does not have."""
    scope, name = linked.at(call.path)
    path = scope.path("nodes", name, "inputs", port)
    where = _where(linked, call, path, f"{value} -> {call.path}.{port}", port=port)
    last = Value(value.source, value.port, -1)
    has = "1 level (0)" if levels == 1 else f"{levels} levels (0 to {levels - 1})"
    message = f"{value.source}.{value.port} has {has}, found index {value.index}"
    fix = put(path, str(last), f"wire {last}", f"in place of level {value.index}") if not scope.name else None
    return Problem("index-out-of-range", where, message, fix)


def node_problem(
    linked: LinkedGraph, call: Call, code: str, text: str | Mismatch, sizes: str, mode: str | None
) -> Problem:
    """A node that cannot be built or run as it is, or whose output is not what its port declares."""
    scope, name = linked.at(call.path)
    path = scope.path("nodes", name)
    if isinstance(text, Mismatch):
        subject = f"{call.path}.{text.port.name}"
        message = f"the component's declared axes are not true: {text.text('forward', subject)}"
        return Problem(code, _where(linked, call, path, subject, mode=mode), message)
    if code == "missing-parameter":
        message = (
            f"{call.component.name} needs '{text}', which could not be taken from its wire either; "
            f"give it under {call.path}.params"
        )
        return Problem(code, _where(linked, call, path, call.path, parameter=text), message)
    shown = ", ".join(f"{key}={thaw(value)!r}" for key, value in scope.nodes[name].params.items())
    if code in ("cannot-build", "forward-failed"):
        does = "cannot be built" if code == "cannot-build" else f"cannot run on {sizes or 'no inputs'}"
        text = f"{call.component.name}({shown}) {does}: {text}"
    elif code == "no-package":
        text = f"{call.component.name} needs another package: {text}"
    return Problem(code, _where(linked, call, path, call.path, mode=mode), text)


def value_problem(linked: LinkedGraph, call: Call, refused: ValueError, mode: str) -> Problem:
    """What a node cannot take of the kind of value that a caller will hand to it."""
    scope, name = linked.at(call.path)
    if not isinstance(refused, InputError) or refused.port not in call.component.input_by_name:
        where = _where(linked, call, scope.path("nodes", name), call.path, mode=mode)
        return Problem("bad-value", where, str(refused))
    port = refused.port
    path = scope.path("nodes", name, "inputs", port)
    where = _where(linked, call, path, f"{call.path}.{port}", port=port, mode=mode)
    fix = None
    if isinstance(refused, RefusedInputError) and port in scope.nodes[name].inputs:
        fix = _insertion(scope, name, port, refused, mode)
    return Problem("bad-value", where, refused.message, fix)


def _insertion(scope: Scope, node: str, port: str, refused: RefusedInputError, mode: str) -> Fix | None:
    """A fix that puts a component in front of a port, the wire into its first input."""
    wire, component = scope.nodes[node].inputs[port], scope.catalog.get(refused.insert)
    part = wire.in_mode(mode)
    if part is None or part.many or component is None or not component.inputs or not component.outputs:
        return None
    ref = part.refs[0]
    name = fresh(snake(component.name), {*scope.names, *scope.graph.data_samples})
    given = {component.inputs[0].name: str(ref)}
    new = put(scope.path("nodes", name), {"type": component.name, "inputs": given}, "")
    target = scope.path("nodes", node, "inputs", port, *((mode,) if wire.differs else ()))
    edits: tuple[Edit, ...] = (*new.edits, *put(target, f"{name}.{component.outputs[0].name}", "").edits)
    return Fix(f"put {component.name} between {ref} and {node}.{port}", edits, refused.changes)
