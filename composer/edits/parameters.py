"""Parameters of nodes, and of the subgraph that is open."""

from collections.abc import Mapping
from typing import Any

from composer.edits.draft import ScopeDraft
from composer.edits.names import accepted, refused
from composer.edits.values import fitted, landing, like, plain
from composer.graph import EMPTY, FrozenDict
from composer.graph.templates import LEFT_OUT, fill, is_template, mapped, names_in
from composer.problems import suggestion

__all__ = ["checked_params", "escaped", "filled_in", "reset_param", "set_param", "set_subgraph_param"]


def set_param(draft: ScopeDraft, name: str, parameter: str, value: Any) -> None:
    """Set a parameter of a node.

    Raises:
        GraphError: The node has none of this name, or has those of the node that its weights come from.
    """
    node = draft.node(name)
    if node.weights.rule != "own":
        source = node.weights.source
        text = f"{name} has the weights of {source}, and its parameters too: set {parameter[:40]} there"
        raise refused(text, node=name, parameter=parameter)
    found = checked_params(draft, name, {parameter: value})
    draft.change(name, params=FrozenDict({**node.params, **found}))


def reset_param(draft: ScopeDraft, name: str, parameter: str) -> None:
    """Take a parameter of a node out, so that it has its default or is taken from the wire."""
    params = dict(draft.node(name).params)
    params.pop(parameter, None)
    draft.change(name, params=FrozenDict(params) if params else EMPTY)


def set_subgraph_param(draft: ScopeDraft, name: str, value: Any, *, remove: bool = False) -> None:
    """Set the default of a parameter of the open subgraph, or remove it; inside, its default takes its place then."""
    if not draft.scope:
        raise refused("only subgraphs have parameters: enter one, or group nodes into one")
    if remove:
        if name not in draft.params:
            hint = suggestion(name[:40], draft.params, "parameters of the subgraph")
            raise refused(f"the subgraph has no parameter '{name[:40]}'; {hint}", name[:40])
        _put_default(draft, name, draft.params.pop(name))
        draft.at_callers(lambda outer, calls: _forget(outer, calls, name))
        return
    if name not in draft.params:
        accepted(name, draft.params, "a parameter", attribute=False)
    value = plain(value, "params", name)
    annotation = landing(draft.base, draft.scope, name, draft.catalog.components)
    old = draft.params.get(name)
    draft.params[name] = like(value, old) if annotation is None else fitted(annotation, value, old)


def checked_params(draft: ScopeDraft, node: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Values for a node's parameters as they stand in a graph.

    Raises:
        GraphError: What it calls has no such parameter, or a value is no plain data.
    """
    called = draft.called(node)
    old = draft.nodes[node].params
    known: Mapping[str, Any] | None = None
    if called.component is not None:
        known = called.component.parameter_by_name
    elif called.body is not None:
        known = called.body.params
    found: dict[str, Any] = {}
    for name, value in params.items():
        if known is not None and name not in known and name not in old:
            hint = suggestion(name[:40], known, "parameters")
            text = f"'{called.name}' has no parameter '{name[:40]}'; {hint}"
            raise refused(text, code="unknown-parameter", node=node, parameter=name[:40])
        found[name] = _fitted(draft, node, name, plain(value, "nodes", node, "params", name))
    return found


def _fitted(draft: ScopeDraft, node: str, name: str, value: Any) -> Any:
    called, old = draft.called(node), draft.nodes[node].params.get(name)
    if draft.scope and is_template(value):
        return value
    if called.component is not None and name in called.component.parameter_by_name:
        annotation = called.component.parameter_by_name[name].annotation
        return fitted(annotation, value, old or called.component.defaults.get(name))
    if called.body is not None:
        annotation = landing(draft.base, called.name, name, draft.catalog.components)
        old = called.body.params.get(name) if old is None else old
        return like(value, old) if annotation is None else fitted(annotation, value, old)
    return like(value, old)


def _put_default(draft: ScopeDraft, name: str, default: Any) -> None:
    for id_, node in list(draft.nodes.items()):
        params: dict[str, Any] = {}
        for key, value in node.params.items():
            filled = filled_in(value, {name: default}) if name in set(names_in(value)) else value
            if filled is not LEFT_OUT:
                params[key] = filled
        if params != node.params:
            draft.change(id_, params=FrozenDict(params) if params else EMPTY)


def filled_in(value: Any, values: Mapping[str, Any]) -> Any:
    """A value with some of its ``$name`` replaced, and the others kept; texts stay as a subgraph has them."""

    def filled(part: Any) -> Any:
        return escaped(fill(part, values)) if is_template(part) and part[1:] in values else part

    return mapped(value, filled)


def escaped(value: Any) -> Any:
    """A plain value as it is written inside a subgraph, where ``$`` at the start of a text means something."""
    return mapped(value, lambda part: f"${part}" if isinstance(part, str) and part.startswith("$") else part)


def _forget(draft: ScopeDraft, calls: list[str], name: str) -> None:
    for call in calls:
        params = dict(draft.nodes[call].params)
        if params.pop(name, LEFT_OUT) is not LEFT_OUT:
            draft.change(call, params=FrozenDict(params) if params else EMPTY)
