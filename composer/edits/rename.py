"""New names of nodes and inputs: everything that names them follows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from composer.edits.draft import ScopeDraft
from composer.edits.names import accepted, refused
from composer.edits.operations import Rename
from composer.graph import FrozenDict, Ref
from composer.problems import suggestion

__all__ = ["rename", "rename_nodes"]

Item = TypeVar("Item")


def rename(draft: ScopeDraft, operation: Rename) -> None:
    """Rename a node or an input.

    Raises:
        GraphError: There is none of this name, or the new one is illegal or taken.
    """
    old, new = operation.name, operation.to
    if old not in draft.names:
        hint = suggestion(old[:40], draft.names, "nodes and inputs")
        raise refused(f"there is no '{old[:40]}' here; {hint}", old[:40], code="unknown-node")
    if new == old:
        return
    accepted(new, draft.names, "a node" if old in draft.nodes else "an input")
    if old in draft.inputs:
        draft.at_callers(lambda outer, calls: _rename_port(outer, calls, old, new))
    rename_nodes(draft, old, new)
    draft.renamed[old] = new


def rename_nodes(draft: ScopeDraft, old: str, new: str) -> None:
    """Put a new name in place of an old one, everywhere in the scope."""
    draft.inputs = _renamed(draft.inputs, old, new)
    draft.data_samples = _renamed(draft.data_samples, old, new)
    draft.nodes = _renamed(draft.nodes, old, new)
    draft.layout = _renamed(draft.layout, old, new)
    draft.map_refs(lambda ref: Ref(new, ref.port, ref.index) if ref.source == old else ref)
    for name, node in draft.nodes.items():
        if node.weights.source == old:
            draft.nodes[name] = replace(node, weights=replace(node.weights, source=new))


def _rename_port(draft: ScopeDraft, calls: Sequence[str], old: str, new: str) -> None:
    """An input of a subgraph, at those who call it."""
    for name in calls:
        wires = draft.nodes[name].inputs
        if old in wires:
            draft.change(name, inputs=FrozenDict(_renamed(dict(wires), old, new)))


def _renamed(items: dict[str, Item], old: str, new: str) -> dict[str, Item]:
    """A mapping with another key, in its place."""
    if old not in items:
        return items
    return {new if name == old else name: item for name, item in items.items() if name != new}
