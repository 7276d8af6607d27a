"""What the canvas notes in a graph's metadata: its comments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.graph import FrozenDict, Graph, freeze, thaw

__all__ = ["Canvas"]

KEY = "canvas"


@dataclass
class Canvas:
    """The notes by scope; what is not of the right form is passed over.

    Args:
        comments: By scope, each a mapping with id, text, box and colour.
        other: Keys that are not known.
    """

    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph) -> "Canvas":
        """The notes in a graph."""
        found = graph.metadata.get(KEY)
        if not isinstance(found, Mapping):
            return cls()
        notes = thaw(found)
        comments = {
            scope: [item for item in items if _is_comment(item)]
            for scope, items in _mapping(notes.pop("comments", None)).items()
            if isinstance(items, list)
        }
        return cls(comments, notes)

    def noted(self, metadata: Mapping[str, Any], scopes: set[str]) -> Mapping[str, Any]:
        """The metadata of a graph with these notes; the same object where nothing changed."""
        comments = {scope: items for scope, items in self.comments.items() if items and scope in scopes}
        notes = freeze({**self.other, **({"comments": comments} if comments else {})})
        if notes == metadata.get(KEY, FrozenDict()):
            return metadata
        rest = {key: value for key, value in metadata.items() if key != KEY}
        return FrozenDict({**rest, **({KEY: notes} if notes else {})})


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_comment(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not isinstance(item.get("text"), str):
        return False
    box = item.get("box")
    numbers = isinstance(box, list) and len(box) == 4 and all(type(part) in (int, float) for part in box)
    return numbers and isinstance(item.get("colour", "yellow"), str)
