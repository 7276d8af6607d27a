"""Where a node's weights come from, and whether they learn."""

from composer.edits.draft import ScopeDraft
from composer.edits.names import refused
from composer.edits.operations import SetWeights
from composer.edits.remove import own_weights
from composer.graph import EMPTY, OWN, Weights

__all__ = ["set_frozen", "set_weights"]


def set_weights(draft: ScopeDraft, operation: SetWeights) -> None:
    """Set the rule and the source of a node's weights.

    Raises:
        GraphError: The source is no other node of the same type, or gets its weights from this node.
    """
    name = operation.node
    node = draft.node(name)
    if operation.rule == "own":
        own_weights(draft, name)
        return
    source = _source(draft, operation)
    decay = operation.decay
    if decay is None:
        decay = node.weights.decay if node.weights.rule == "momentum" else OWN.decay
    for key, share in (("decay", decay), ("end_decay", operation.end_decay)):
        if share is not None and not 0 <= share <= 1:
            raise refused(f"{key} is {share}, expected a number from 0 to 1", node=name)
    if operation.rule == "share":
        weights = Weights("share", source)
    else:
        weights = Weights(
            "momentum", source, float(decay), operation.update or node.weights.update, operation.end_decay
        )
    frozen = node.frozen and operation.rule != "share"
    draft.change(name, type=None, graph=None, params=EMPTY, weights=weights, frozen=frozen)


def set_frozen(draft: ScopeDraft, name: str, frozen: bool) -> None:
    """Freeze a node or let it learn again; of one that shares weights the node that has them."""
    draft.node(name)
    draft.change(draft.owner(name), frozen=frozen)


def _source(draft: ScopeDraft, operation: SetWeights) -> str:
    name, source = operation.node, operation.source
    source = draft.nodes[name].weights.source if source is None else source
    if source is None:
        raise refused("say which node the weights come from", node=name)
    draft.node(source)
    if name in draft.chain(source):
        itself = "a node cannot have its weights from itself"
        text = itself if source == name else f"{source} has its weights from {name}"
        raise refused(f"{text}: choose another node", node=name, code="weights-cycle")
    own, theirs = draft.origin(name), draft.origin(source)
    if own is not None and theirs is not None and (own.type, own.graph) != (theirs.type, theirs.graph):
        mine, other = own.type or own.graph, theirs.type or theirs.graph
        text = f"{name} is a {mine} and {source} a {other}: weights come from a node of the same type"
        raise refused(text, node=name, code="weights-type")
    followed = draft.nodes[draft.owner(source)].weights
    if operation.rule == "momentum" and followed.rule == "momentum":
        text = f"{source} is itself a momentum copy: follow {followed.source}, which is trained"
        raise refused(text, node=name, code="weights-momentum")
    return source
