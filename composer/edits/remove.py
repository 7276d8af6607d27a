"""Removing nodes and inputs, with everything that depends on them."""

from dataclasses import replace

from composer.edits.draft import ScopeDraft
from composer.edits.names import refused
from composer.edits.operations import Remove, RemoveInput
from composer.edits.outputs import mode_of_box, unwire
from composer.graph import EMPTY, OWN, FrozenDict, Node
from composer.problems import suggestion

__all__ = ["own_weights", "owned", "remove", "remove_input"]


def remove(draft: ScopeDraft, operation: Remove) -> None:
    """Remove nodes, inputs, comments and whole boxes of outputs.

    Raises:
        GraphError: There is nothing of one of these names.
    """
    names = list(dict.fromkeys(operation.names))
    comments = draft.canvas.comments.get(draft.scope, [])
    ids = {item["id"] for item in comments}
    for name in names:
        box = mode_of_box(name)
        if name in draft.names:
            continue
        if box is not None:
            draft.layout.pop(name, None)
            unnamed = draft.outputs.get(box[0], {})
            for output in list(unnamed):
                del unnamed[output]
                if box[0] is None:
                    draft.at_callers(lambda outer, calls, port=output: unwire(outer, calls, port))  # type: ignore[misc]
        elif name not in ids:
            hint = suggestion(name[:40], draft.names, "nodes and inputs")
            raise refused(f"there is no '{name[:40]}' here; {hint}", name[:40], code="unknown-node")
    draft.canvas.comments[draft.scope] = [item for item in comments if item["id"] not in names]
    _take_out(draft, [name for name in names if name in draft.names])


def remove_input(draft: ScopeDraft, operation: RemoveInput) -> None:
    """Remove an input."""
    if operation.name not in draft.fields:
        shown = operation.name[:40]
        raise refused(f"there is no input '{shown}'; {suggestion(shown, draft.fields, 'inputs')}", shown)
    _take_out(draft, [operation.name])


def _take_out(draft: ScopeDraft, names: list[str]) -> None:
    for name in names:
        if name in draft.nodes:
            _hand_on(draft, name)
            del draft.nodes[name]
        elif name in draft.inputs:
            del draft.inputs[name]
            draft.at_callers(lambda outer, calls, port=name: _unwire_port(outer, calls, port))  # type: ignore[misc]
        else:
            del draft.data_samples[name]
        draft.layout.pop(name, None)
    unwire(draft, names)


def _unwire_port(draft: ScopeDraft, calls: list[str], port: str) -> None:
    for name in calls:
        if port in draft.nodes[name].inputs:
            draft.wire(name, port, None)


def _hand_on(draft: ScopeDraft, name: str) -> None:
    """Before a node goes: those that use its weights get them from its own source, or one of them takes its place."""
    gone = draft.nodes[name]
    users = [other for other, node in draft.nodes.items() if node.weights.source == name and other != name]
    if not users:
        return
    further = gone.weights.source
    if gone.weights.rule != "own" and further in draft.nodes and further != name:
        for user in users:
            keeps = draft.nodes[user].weights
            share = keeps.rule == "share"
            draft.change(user, weights=gone.weights if share else replace(keeps, source=further))
        return
    heir = next((user for user in users if draft.nodes[user].weights.rule == "share"), None)
    if heir is None:
        for user in users:
            own_weights(draft, user)
        return
    own_weights(draft, heir)
    draft.change(heir, frozen=gone.frozen)
    for user in users:
        if user != heir:
            draft.change(user, weights=replace(draft.nodes[user].weights, source=heir))


def own_weights(draft: ScopeDraft, name: str) -> None:
    """Give a node its own weights, and type and parameters of what it had them from."""
    node = draft.nodes[name]
    draft.nodes[name] = replace(owned(draft, name), weights=OWN, frozen=node.frozen)


def owned(draft: ScopeDraft, name: str) -> Node:
    """A node with the type and the parameters that it has through the source of its weights."""
    node = origin = draft.nodes[name]
    params: dict[str, object] = {}
    for origin in (draft.nodes[one] for one in draft.chain(name)):
        params = {**origin.params, **params}
        if origin.type is not None or origin.graph is not None:
            break
    return replace(node, type=origin.type, graph=origin.graph, params=FrozenDict(params) if params else EMPTY)
