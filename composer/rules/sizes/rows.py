"""The rows of a summary: each node with its sizes and costs, the nodes of a subgraph's call under it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.graph import Node
from composer.graph.link import LinkedGraph
from composer.rules.sizes.shapes import NodeSize, Shapes
from composer.rules.sizes.sizes import shape_text

__all__ = ["Row", "rounded", "size_rows"]


@dataclass
class Row:
    """A node, or a call of a subgraph with the nodes in it.

    Args:
        path: Ids from the top, joined by dots.
        type: Type name of the component, or ``graph`` and the name of the subgraph.
        outputs: For each mode that runs it the sizes on its output ports, by name.
        note: Where its weights come from, if they are not its own.
        size: What it costs; None for a call of a subgraph, and for a node that could not be looked at.
        rows: The nodes inside.
    """

    path: str
    type: str
    outputs: Mapping[str, Mapping[str, Any]]
    note: str = ""
    size: NodeSize | None = None
    rows: "list[Row]" = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its id, moved in by two columns a level."""
        depth = self.path.count(".")
        return "  " * depth + self.path.rsplit(".", 1)[-1]

    @property
    def parameters(self) -> int | None:
        """Parameters of it and of what is inside; None where nothing is known."""
        found = [row.parameters for row in self.rows] + ([self.size.parameters] if self.size else [])
        known = [count for count in found if count is not None]
        return sum(known) if known else None

    def flops(self, mode: str) -> int | None:
        """FLOPs of one sample in a mode; None where the mode does not run it."""
        found = [row.flops(mode) for row in self.rows] + ([self.size.flops.get(mode)] if self.size else [])
        known = [count for count in found if count is not None]
        return sum(known) if known else None

    def sizes(self, modes: Sequence[str]) -> str:
        """The sizes of its outputs; by mode where they differ."""
        texts = {mode: _ports_text(self.outputs[mode]) for mode in modes if mode in self.outputs}
        if len(set(texts.values())) <= 1:
            return next(iter(texts.values()), "")
        return "; ".join(f"{text} ({mode})" for mode, text in texts.items())

    def walk(self) -> "Iterator[Row]":
        """It, then all that is inside."""
        yield self
        for row in self.rows:
            yield from row.walk()

    def to_json(self, modes: Sequence[str]) -> dict[str, Any]:
        """The row as plain data."""
        data = {
            "node": self.path,
            "type": self.type,
            "weights": self.note or None,
            "outputs": {mode: self.outputs[mode] for mode in modes if mode in self.outputs},
            "parameters": self.parameters,
            "flops": {mode: self.flops(mode) for mode in modes if self.flops(mode) is not None},
        }
        return data | ({"nodes": [row.to_json(modes) for row in self.rows]} if self.rows else {})


def size_rows(linked: LinkedGraph, shapes: Shapes, modes: Sequence[str]) -> list[Row]:
    """One row a node of the graph, in the order of the file.

    Args:
        linked: The graph.
        shapes: What ``infer_shapes`` found.
        modes: Which modes' sizes and costs are reported.
    """
    outputs = _outputs(shapes, modes)
    found: dict[str, Row] = {}
    for path in (*linked.graph.nodes, *shapes.nodes):
        *outer, _ = parts = path.split(".")
        for depth in range(1, len(parts) + 1):
            part = ".".join(parts[:depth])
            if part in found:
                continue
            name, scope = parts[depth - 1], linked.written[linked.entered(parts[: depth - 1])[0]]
            kind, note = _type(scope.original(name)), _note(scope.nodes[name])
            found[part] = Row(part, kind, outputs.get(part, {}), note, shapes.nodes.get(part))
            if depth > 1:
                found[".".join(outer[: depth - 1])].rows.append(found[part])
    return [found[name] for name in linked.graph.nodes]


def rounded(count: int | None) -> str:
    """A large number with four digits: ``8.174 G``; ``-`` for what is not known."""
    if count is None or count < 10_000:
        return "-" if count is None else f"{count:,}"
    power = (len(str(count)) - 1) // 3
    return f"{float(f'{count:.4g}') / 1000**power:.4g} {' KMGTPE'[power]}" if power < 7 else f"{count:.3e}"


def _outputs(shapes: Shapes, modes: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Sizes by path, mode and port, of the nodes that the mode runs."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for mode in modes:
        for reference, size in shapes.ports.get(mode, {}).items():
            path, _, port = reference.rpartition(".")
            found.setdefault(path, {}).setdefault(mode, {})[port] = size
    return found


def _type(origin: Node) -> str:
    return origin.type or (f"graph {origin.graph}" if origin.graph else "?")


def _note(node: Node) -> str:
    if node.bypassed:
        return "bypassed"
    if node.weights.rule == "own":
        return "frozen" if node.frozen else ""
    word = "shared with" if node.weights.rule == "share" else "momentum copy of"
    return f"{word} {node.weights.source}"


def _ports_text(ports: Mapping[str, Any]) -> str:
    if len(ports) == 1:
        return shape_text(next(iter(ports.values())))
    return ", ".join(f"{port}: {shape_text(size)}" for port, size in ports.items())
