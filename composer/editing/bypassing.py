"""Bypassing nodes: what reads them reads what flows into them, so that a graph can be tried without."""

from composer.editing.draft import Draft
from composer.editing.refusal import refused
from composer.link import carrying

__all__ = ["carries_on", "set_bypassed"]


def set_bypassed(draft: Draft, name: str, bypassed: bool) -> None:
    """Bypass a node, or run it again.

    Raises:
        GraphError: There is no such node, or nothing flows into it that could go on.
    """
    draft.node(name)
    if bypassed and not carries_on(draft, name):
        raise refused(f"nothing flows into {name} that could take its place: wire it first", node=name)
    draft.change(name, bypassed=bypassed)


def carries_on(draft: Draft, name: str) -> bool:
    """Whether something flows into a node that could take its place."""
    return bool(carrying(draft.called(name), draft.nodes[name].inputs))
