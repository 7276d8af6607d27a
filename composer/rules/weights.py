"""The rules about weights: a source that exists, is of the same kind and follows nothing that follows it."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer.graph import Node, freeze, thaw
from composer.graph.link import Scope
from composer.problems import Fix, is_typo
from composer.rules.report import Report, lost, put, take

__all__ = ["check_weights"]


def check_weights(report: Report, scope: Scope) -> None:
    """Report what is wrong with the weights of a scope's nodes."""
    for cycle in scope.weight_cycles:
        _cycle(report, scope, cycle)
    cyclic = {name for cycle in scope.weight_cycles for name in cycle}
    for name in scope.wiring.borrowing:
        node = scope.nodes[name]
        source = node.weights.source
        if source is None or source not in scope.nodes:
            _unknown(report, scope, name)
        elif name not in cyclic:
            _same(report, scope, name, node, source)
            _frozen(report, scope, name, node)
        if node.weights.rule == "momentum":
            _momentum(report, scope, name, node)


def _cycle(report: Report, scope: Scope, cycle: Sequence[str]) -> None:
    first = cycle[0]
    typed = next((name for name in cycle if scope.nodes[name].type or scope.nodes[name].graph), None)
    fix: Fix | None = None
    if typed is not None:
        message = f"remove {typed}.weights, so that it has its own"
        fix = take(scope.path("nodes", typed, "weights"), message, "its weights then follow no other node's")
    shown = " -> ".join([*cycle[:12], *(["..."] if len(cycle) > 12 else []), first])
    message = f"{shown}: weights come from each other in a cycle; expected one node with its own"
    report.add("weights-cycle", scope.path("nodes", first, "weights"), f"{first}.weights", message, fix)


def _unknown(report: Report, scope: Scope, name: str) -> None:
    weights = scope.nodes[name].weights
    path = scope.path("nodes", name, "weights", weights.rule)
    if weights.source in scope.inputs:
        message = f"'{weights.source}' is an input, weights come from a node"
    else:
        message = f"there is no node '{weights.source}' to {_verb(weights.rule)}"
    near, hint = report.lookup(str(weights.source), scope.nodes, "nodes")
    near = [other for other in near if other != name]
    fix = put(path, near[0], f"set {name}.weights.{weights.rule} to {near[0]}") if near else None
    report.add("unknown-weights", path, f"{name}.weights", f"{message}; {hint}", fix)


def _verb(rule: str) -> str:
    return "share weights with" if rule == "share" else "follow"


def _same(report: Report, scope: Scope, name: str, node: Node, source: str) -> None:
    """A node is of the type of its source and sets no other parameters."""
    origin = scope.origin(source)
    if origin is None:
        return
    model = scope.nodes[origin]
    for key, mine, theirs in (("type", node.type, model.type), ("graph", node.graph, model.graph)):
        if mine is not None and mine != theirs:
            what = "type" if model.type is not None else "graph"
            message = (
                f"{name} is of the {key} {mine}, its weights come from {source} of the {what} {theirs or model.type}"
            )
            changes = lost(f"the {key}", mine)
            fix = take(scope.path("nodes", name, key), f"remove {name}.{key}, so that it is that of {source}", changes)
            report.add("weights-type", scope.path("nodes", name, key), f"{name}.weights", message, fix)
            return
    defaults = _defaults(scope, model)
    for key, value in node.params.items():
        expected = freeze(model.params.get(key, defaults.get(key)))
        if value != expected or isinstance(value, bool) != isinstance(expected, bool):
            message = f"{key} is {thaw(value)!r}, in {source}, where the weights come from, it is {thaw(expected)!r}"
            path = scope.path("nodes", name, "params", key)
            changes = lost("its value", value)
            fix = take(path, f"remove {name}.params.{key}, so that it is that of {source}", changes)
            report.add("weights-params", path, f"{name}.{key}", message, fix, parameter=key)


def _frozen(report: Report, scope: Scope, name: str, node: Node) -> None:
    """A node that shares weights cannot freeze them for itself alone."""
    owner = scope.owner(name)
    if node.weights.rule != "share" or not node.frozen or owner is None or scope.nodes[owner].frozen:
        return
    path = scope.path("nodes", name, "frozen")
    frozen = put(scope.path("nodes", owner, "frozen"), True, "")
    edits = (*frozen.edits, *take(path, "").edits)
    fix = Fix(f"freeze {owner} instead", edits, f"{owner} is then not trained either")
    message = f"{name} shares the weights of {owner}, which is trained; freezing is said where the weights are"
    report.add("weights-frozen", path, f"{name}.frozen", message, fix)


def _defaults(scope: Scope, model: Node) -> Mapping[str, Any]:
    if model.type is None:
        body = scope.graph.graphs.get(str(model.graph))
        return {} if body is None else body.params
    component = scope.catalog.get(model.type)
    return {} if component is None else component.defaults


def _momentum(report: Report, scope: Scope, name: str, node: Node) -> None:
    weights = node.weights
    path = scope.path("nodes", name, "weights")
    owner = scope.owner(str(weights.source)) if weights.source in scope.nodes else None
    if owner is not None and owner != name and scope.nodes[owner].weights.rule == "momentum":
        further = scope.nodes[owner].weights.source
        message = f"{weights.source} is itself a momentum copy; expected a node that is trained"
        changes = f"in place of {weights.source}"
        fix = put((*path, "momentum"), further, f"set {name}.weights.momentum to {further}", changes)
        report.add("weights-momentum", (*path, "momentum"), f"{name}.weights", message, fix)
    for key, share in (("decay", weights.decay), ("end_decay", weights.end_decay)):
        if share is None or 0 <= share <= 1:
            continue
        nearest = 1.0 if share > 1 else 0.0
        message = f"{key} is {share}, expected a number from 0 to 1"
        fix = put((*path, key), nearest, f"set {name}.weights.{key} to {nearest}", f"in place of {share}")
        report.add("weights-momentum", (*path, key), f"{name}.weights.{key}", message, fix)
    if weights.update not in ("before", "after"):
        message = f"update is {weights.update!r}, expected 'before' or 'after'"
        changes = "" if is_typo(str(weights.update), "before") else f"in place of {weights.update!r}"
        fix = put((*path, "update"), "before", f"set {name}.weights.update to 'before'", changes)
        report.add("weights-momentum", (*path, "update"), f"{name}.weights.update", message, fix)
