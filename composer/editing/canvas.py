"""What the canvas notes in a graph's metadata: comments, and what bypassed nodes were wired to."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.editing.wires import mapped
from composer.graph import MODES, FrozenDict, Graph, Ref, Wire, freeze, thaw

__all__ = ["Canvas", "Record", "read_wire"]

KEY = "canvas"

Record = tuple[str, str, Wire]
"""A port that a bypassed node feeds: the node it belongs to (or ``outputs.loss``), the port, and its wire."""


@dataclass
class Canvas:
    """The notes by scope; what is not of the right form is passed over.

    Args:
        comments: By scope, each a mapping with id, text, box and colour.
        bypassed: By scope and node, the ports that it feeds when it is not bypassed.
        other: Keys that are not known.
    """

    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    bypassed: dict[str, dict[str, list[Record]]] = field(default_factory=dict)
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
        bypassed = {
            scope: {node: list(_records(items)) for node, items in _lists(nodes)}
            for scope, nodes in _mapping(notes.pop("bypassed", None)).items()
        }
        return cls(comments, bypassed, notes)

    def map_wires(self, scope: str, change: Callable[[Wire], Wire]) -> None:
        """Change each wire that is noted for a scope."""
        nodes = self.bypassed.get(scope, {})
        for node, records in nodes.items():
            nodes[node] = [(name, port, change(wire)) for name, port, wire in records]

    def rename(self, scope: str, old: str, new: str) -> None:
        """Follow a new name of a node or input."""
        rename = lambda ref: Ref(new, ref.port, ref.index) if ref.source == old else ref  # noqa: E731
        self.map_wires(scope, lambda wire: mapped(wire, rename))
        if scope in self.bypassed:
            self.bypassed[scope] = {
                new if node == old else node: [
                    (new if name == old else name, port, wire) for name, port, wire in records
                ]
                for node, records in self.bypassed[scope].items()
            }

    def rename_port(self, scope: str, nodes: Collection[str], old: str, new: str) -> None:
        """Follow a new name of a port of these nodes (or of an output, of its box)."""
        if scope in self.bypassed:
            self.bypassed[scope] = {
                node: [(name, new if name in nodes and port == old else port, wire) for name, port, wire in records]
                for node, records in self.bypassed[scope].items()
            }

    def forget(self, scope: str, names: Collection[str]) -> None:
        """Drop what is noted of nodes that are gone."""
        if scope in self.bypassed:
            self.bypassed[scope] = {
                node: [record for record in records if record[0] not in names]
                for node, records in self.bypassed[scope].items()
                if node not in names
            }

    def noted(self, metadata: Mapping[str, Any], scopes: set[str]) -> Mapping[str, Any]:
        """The metadata of a graph with these notes; the same object where nothing changed."""
        comments = {scope: items for scope, items in self.comments.items() if items and scope in scopes}
        bypassed = {
            scope: {node: [[name, port, _written(wire)] for name, port, wire in items] for node, items in nodes.items()}
            for scope, nodes in self.bypassed.items()
            if nodes and scope in scopes
        }
        parts = {"comments": comments, "bypassed": bypassed}
        notes = freeze({**self.other, **{key: value for key, value in parts.items() if value}})
        if notes == metadata.get(KEY, FrozenDict()):
            return metadata
        rest = {key: value for key, value in metadata.items() if key != KEY}
        return FrozenDict({**rest, **({KEY: notes} if notes else {})})


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _lists(value: Any) -> list[tuple[str, list[Any]]]:
    return [(key, items) for key, items in _mapping(value).items() if isinstance(items, list)]


def _is_comment(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not isinstance(item.get("text"), str):
        return False
    box = item.get("box")
    numbers = isinstance(box, list) and len(box) == 4 and all(type(part) in (int, float) for part in box)
    return numbers and isinstance(item.get("colour", "yellow"), str)


def _records(items: list[Any]) -> Iterator[Record]:
    for item in items:
        if isinstance(item, list) and len(item) == 3 and isinstance(item[0], str) and isinstance(item[1], str):
            wire = read_wire(item[2])
            if wire is not None:
                yield (item[0], item[1], wire)


def read_wire(value: Any) -> Wire | None:
    """A wire from its document form; None where it is none."""
    try:
        if isinstance(value, str):
            return Ref.parse(value)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(Ref.parse(item) for item in value)
    except ValueError:
        return None
    if not isinstance(value, Mapping) or not value or not value.keys() <= set(MODES):
        return None
    parts = {mode: None if isinstance(part, Mapping) else read_wire(part) for mode, part in value.items()}
    return None if None in parts.values() else FrozenDict(parts)


def _written(wire: Wire) -> Any:
    if isinstance(wire, Ref):
        return str(wire)
    if isinstance(wire, FrozenDict):
        return {mode: _written(part) for mode, part in wire.items()}
    return [str(ref) for ref in wire]
