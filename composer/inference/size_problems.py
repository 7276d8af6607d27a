"""What inference found wrong, as problems with a place in the file and a repair."""

import re
from collections.abc import Mapping
from itertools import chain, count
from typing import Any

from composer.graph import Graph, Node, Ref, thaw, wire_in_mode
from composer.inference.axes import Mismatch
from composer.plan import Call, Value
from composer.ports import RefusedInputError
from composer.problems import Edit, Fix, Problem, Where

__all__ = ["definition_of", "index_problem", "mismatch_problem", "node_problem", "value_problem"]


def definition_of(graph: Graph, path: str) -> tuple[tuple[str, ...], str, Node]:
    """Where a call is written: its document path, the subgraph that holds it, and the node.

    Args:
        graph: The graph.
        path: Ids from the top, joined by dots.
    """
    *outer, name = path.split(".")
    nodes, scope = graph.nodes, ""
    document: tuple[str, ...] = ("nodes",)
    for part in outer:
        node = nodes[part]
        while node.graph is None and node.weights.source is not None:
            node = nodes[node.weights.source]
        scope = str(node.graph)
        nodes, document = graph.graphs[scope].nodes, ("graphs", scope, "nodes")
    return (*document, name), scope, nodes[name]


def mismatch_problem(graph: Graph, call: Call, found: Mismatch, params: Mapping[str, Any], mode: str | None) -> Problem:
    """A size on a wire that is not the one the port declares."""
    argument = dict(call.arguments)[found.port.name]
    value = argument[found.entry or 0] if isinstance(argument, tuple) else argument
    wire = str(value)
    if isinstance(argument, Value) and found.entry is not None:
        wire = f"{wire}[{found.entry}]"
    port = f"{call.path}.{found.port.name}"
    message = found.message.replace("{wire}", wire).replace("{port}", port)
    document, scope, node = definition_of(graph, call.path)
    fix = _size_fix(call, found, params, document, node)
    where = _where(graph, f"{wire} -> {port}", (*document, "inputs", found.port.name), scope, call, mode)
    return Problem("shape-mismatch", where, message, fix)


def _size_fix(
    call: Call, found: Mismatch, params: Mapping[str, Any], document: tuple[str, ...], node: Node
) -> Fix | None:
    """A parameter set to the size that is there; one that lists sizes to those of all levels."""
    parameter = call.component.parameter_by_name.get(found.axis or "")
    if parameter is None or str(node.params.get(parameter.name, "")).startswith("$"):
        return None
    now = params.get(parameter.name, None if parameter.required else parameter.default)
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
    edit = Edit((*document, "params", parameter.name), value)
    return Fix(f"set {call.path}.params.{parameter.name} to {value}", (edit,))


def index_problem(graph: Graph, call: Call, port: str, value: Value, levels: int) -> Problem:
    """A reference to a level that a sequence does not have."""
    document, scope, _ = definition_of(graph, call.path)
    where = _where(graph, f"{value} -> {call.path}.{port}", (*document, "inputs", port), scope, call, None)
    last = Value(value.source, value.port, -1)
    has = "1 level (0)" if levels == 1 else f"{levels} levels (0 to {levels - 1})"
    message = f"{value.source}.{value.port} has {has}, found index {value.index}"
    edit = Edit((*document, "inputs", port), str(last))
    fix = Fix(f"wire {last}", (edit,), f"in place of level {value.index}") if not scope else None
    return Problem("index-out-of-range", where, message, fix)


def node_problem(
    graph: Graph, call: Call, code: str, text: str, sizes: str, mode: str | None, port: str = ""
) -> Problem:
    """A node that cannot be built or run as it is."""
    document, scope, node = definition_of(graph, call.path)
    if code == "missing-parameter":
        where = _where(graph, call.path, document, scope, call, None, parameter=text)
        message = (
            f"{call.component.name} needs '{text}', which could not be taken from its wire either; "
            f"give it under {call.path}.params"
        )
        return Problem(code, where, message)
    shown = ", ".join(f"{key}={thaw(value)!r}" for key, value in node.params.items())
    subject = f"{call.path}.{port}" if port else call.path
    message = text.replace("{wire}", "forward").replace("{port}", subject)
    if code in ("cannot-build", "forward-failed"):
        does = "cannot be built" if code == "cannot-build" else f"cannot run on {sizes or 'no inputs'}"
        message = f"{call.component.name}({shown}) {does}: {message}"
    elif code == "wrong-axes":
        message = f"the component's declared axes are not true: {message}"
    return Problem(code, _where(graph, subject, document, scope, call, mode), message)


def value_problem(graph: Graph, call: Call, refused: ValueError, mode: str) -> Problem:
    """What a node cannot take of the kind of value that a caller will hand to it."""
    document, scope, node = definition_of(graph, call.path)
    port, _, text = str(refused).partition(": ")
    if port not in call.component.input_by_name:
        return Problem("bad-value", _where(graph, call.path, document, scope, call, mode), str(refused))
    where = _where(graph, f"{call.path}.{port}", (*document, "inputs", port), scope, call, mode)
    fix = None
    if isinstance(refused, RefusedInputError) and port in node.inputs:
        fix = _insertion(graph, document, node, port, refused, mode)
    return Problem("bad-value", where, text, fix)


def _insertion(
    graph: Graph, document: tuple[str, ...], node: Node, port: str, refused: RefusedInputError, mode: str
) -> Fix | None:
    """A fix that puts a component with one input into a wire."""
    wire, kind = node.inputs[port], refused.insert
    by_mode = isinstance(wire, Mapping)
    ref = wire_in_mode(wire, mode)
    if not isinstance(ref, Ref):
        return None
    scope = graph.graphs[document[1]] if document[0] == "graphs" else graph
    taken = {*scope.nodes, *scope.inputs, *graph.data_samples}
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
    name = next(name for name in chain([plain], (f"{plain}_{number}" for number in count(2))) if name not in taken)
    new = {"type": kind, "inputs": {"label": str(ref)}}
    target = (*document, "inputs", port, *((mode,) if by_mode else ()))
    edits = (Edit((*document[:-1], name), new), Edit(target, f"{name}.out"))
    return Fix(f"put {kind} between {ref} and {document[-1]}.{port}", edits, refused.changes)


def _where(
    graph: Graph,
    subject: str,
    document: tuple[str, ...],
    scope: str,
    call: Call,
    mode: str | None,
    parameter: str | None = None,
) -> Where:
    line, column = graph.source.position(document) if graph.source else (None, None)
    return Where(
        subject,
        graph.source.file if graph.source else None,
        line,
        column,
        scope,
        call.path.rsplit(".", 1)[-1] if scope else call.path,
        document[-1] if len(document) > 2 and document[-2] == "inputs" else None,
        parameter,
        mode,
    )
