"""Bypassing nodes: what reads them reads what flows into them, so that a graph can be tried without."""

from composer.editing.draft import Draft
from composer.editing.operations import Bypass
from composer.editing.refusal import refused
from composer.link import carrying

__all__ = ["bypass", "carries_on"]


def bypass(draft: Draft, operation: Bypass) -> None:
    """Bypass nodes, or run them again.

    Raises:
        GraphError: Nothing flows into one of them that could go on.
    """
    names = dict.fromkeys(operation.names)
    for name in names:
        draft.node(name)
        if operation.on and not carries_on(draft, name):
            raise refused(f"nothing flows into {name} that could take its place: wire it first", node=name)
    for name in names:
        draft.change(name, bypassed=operation.on)


def carries_on(draft: Draft, name: str) -> bool:
    """Whether something flows into a node that could take its place."""
    return bool(carrying(draft.called(name), draft.nodes[name].inputs))
