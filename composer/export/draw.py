"""An image of a graph, as SVG: boxes with their ports, wires with the sizes that they carry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import accumulate, takewhile
from unicodedata import east_asian_width

from composer.catalog import Catalog
from composer.catalog.kinds import Kind
from composer.export.layout import Box, Link, Ways, arrange
from composer.graph import Graph, Ref
from composer.graph.link import Scope, link
from composer.rules.sizes import Shapes, infer_shapes
from composer.rules.sizes.sizes import shape_text

__all__ = ["draw"]

WIDTH, HEADER, ROW, BEND, MARGIN = 190, 40, 18, 96, 56

ENDS = "#1e272e"
"""The colour of inputs and outputs."""

CAP = f"v{11 - HEADER} q0 -7 7 -7 h{WIDTH - 14} q7 0 7 7 v{HEADER - 11} z"
"""The outline of a box's head: two round corners."""

STYLE = """
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #2d3436; }
.id { font-weight: 600; fill: #fff; } .type { font-size: 11px; fill: #ffffffd0; }
.size { font-size: 10.5px; fill: #57606f; } .port { font-size: 11px; }
.box { fill: #fff; stroke: #ced6e0; } .wire { fill: none; stroke: #a4b0be; stroke-width: 1.6; }
.dot { fill: #fff; stroke: #747d8c; stroke-width: 1.4; }
"""


@dataclass(slots=True)
class _Box:
    """One box of the image: an input, a node, or the outputs of a mode."""

    title: str
    subtitle: str
    colour: str
    inputs: list[str]
    outputs: list[str]
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        return HEADER + ROW * max(len(self.inputs), len(self.outputs)) + 8

    def port_at(self, port: str, outgoing: bool) -> tuple[float, float]:
        """Where a port's dot stands."""
        names = self.outputs if outgoing else self.inputs
        row = names.index(port) if port in names else 0
        return self.x + (WIDTH if outgoing else 0), self.y + HEADER + ROW * (row + 0.5) + 2


def draw(graph: Graph, catalog: Catalog | None = None, shapes: Shapes | None = None) -> str:
    """Draw a graph as SVG text, with its boxes placed as on the canvas.

    Args:
        graph: The graph; it may have problems.
        catalog: The components; by default those that come with composer.
        shapes: The result of ``infer_shapes``, if it is at hand.
    """
    catalog = Catalog.default() if catalog is None else catalog
    shapes = shapes or infer_shapes(graph, catalog)
    boxes = _boxes(link(graph, catalog).written[""])
    wires = [wire for wire in _wires(graph, boxes) if wire[0] in boxes]
    _place(boxes, wires)
    ways = Ways((box.x, box.y, WIDTH, box.height) for box in boxes.values())
    width = max((box.x for box in boxes.values()), default=0) + WIDTH + MARGIN
    height = max((box.y + box.height for box in boxes.values()), default=0) + MARGIN
    parts = [_wire(boxes, wire, ways) for wire in wires]
    parts += [_box(box) for box in boxes.values()]
    parts += dict.fromkeys(_size(boxes[source], ref, shapes) for source, ref, _, _ in wires)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">'
    ground = '<rect width="100%" height="100%" rx="10" fill="#f7f8fa"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, "</svg>", ""])


def _boxes(top: Scope) -> dict[str, _Box]:
    graph = top.graph
    boxes: dict[str, _Box] = {}
    for name, entry in graph.inputs.items():
        boxes[name] = _Box(name, f"input: {entry.type}", ENDS, [], [""])
    for name in graph.nodes:
        boxes[name] = _node(top, name)
    for name, entry in graph.data_samples.items():
        boxes[name] = _Box(name, f"data sample: {entry.type}", ENDS, [], [""])
    for mode, outputs in graph.outputs.items():
        boxes[f"-> {mode}"] = _Box(mode, "mode", ENDS, list(outputs), [])
    return boxes


def _node(top: Scope, name: str) -> _Box:
    node, called = top.nodes[name], top.called(name)
    note = "bypassed" if node.bypassed else "" if node.weights.rule == "own" else node.weights.rule
    subtitle = f"{called.name or '?'}{f' ({note})' if note else ''}"
    colour = Kind("").colour if called.component is None else top.catalog.kinds[called.component.kind].colour
    return _Box(name, subtitle, colour, list(node.inputs), list(called.outputs) if called.known else [""])


def _wires(graph: Graph, boxes: Mapping[str, _Box]) -> Iterator[tuple[str, Ref, str, str]]:
    """Source box, reference, target box and port."""
    for name, node in graph.nodes.items():
        for port, wire in node.inputs.items():
            for ref in dict.fromkeys(wire.refs):
                yield ref.source, ref, name, port
    for mode, outputs in graph.outputs.items():
        for port, ref in outputs.items():
            yield ref.source, ref, f"-> {mode}", port


def _place(boxes: Mapping[str, _Box], wires: list[tuple[str, Ref, str, str]]) -> None:
    """Where the canvas places them too."""
    links = []
    for source, ref, target, port in wires:
        (_, out_y), (_, in_y) = boxes[source].port_at(ref.port or "", True), boxes[target].port_at(port, False)
        links.append(Link(source, target, out_y, in_y))
    sized = [Box(name, WIDTH, box.height, None, name.startswith("-> ")) for name, box in boxes.items()]
    for name, (x, y) in arrange(sized, links).items():
        boxes[name].x, boxes[name].y = MARGIN + x, MARGIN + y


def _wire(boxes: Mapping[str, _Box], wire: tuple[str, Ref, str, str], ways: Ways) -> str:
    source, ref, target, port = wire
    start = boxes[source].port_at(ref.port or "", outgoing=True)
    end = boxes[target].port_at(port, outgoing=False)
    corners = ways.of(f"{source}.{ref.port}", start, end)
    line = _rounded(corners) if corners else _curve(start, end)
    return f'<path class="wire" d="M{start[0]:.0f} {start[1]:.0f} {line}"/>'


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    bend = max(36.0, min(abs(end[0] - start[0]) / 2, BEND))
    return f"C{start[0] + bend:.0f} {start[1]:.0f} {end[0] - bend:.0f} {end[1]:.0f} {end[0]:.0f} {end[1]:.0f}"


def _rounded(corners: list[tuple[float, float]]) -> str:
    """Straight pieces with round corners between them."""
    parts = []
    for before, (x, y), after in zip(corners, corners[1:], corners[2:], strict=False):
        (ax, ay), (bx, by) = _towards((x, y), before), _towards((x, y), after)
        parts.append(f"L{ax:.0f} {ay:.0f} Q{x:.0f} {y:.0f} {bx:.0f} {by:.0f}")
    return " ".join([*parts, f"L{corners[-1][0]:.0f} {corners[-1][1]:.0f}"])


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    (x, y), (to_x, to_y) = corner, other
    length = abs(to_x - x) + abs(to_y - y)
    part = min(8.0, length / 2) / length if length else 0.0
    return x + (to_x - x) * part, y + (to_y - y) * part


def _size(box: _Box, ref: Ref, shapes: Shapes) -> str:
    """The sizes on a wire, written where it leaves its port; of a pyramid the level that is taken."""
    key = ref.source if not box.inputs and box.colour == ENDS else f"{ref.source}.{ref.port or box.outputs[0]}"
    found = shapes.get(key)
    if isinstance(found, tuple) and found and isinstance(found[0], tuple):
        index = ref.index if ref.index is not None else -1
        found = found[index] if -len(found) <= index < len(found) else None
    if found is None:
        return ""
    x, y = box.port_at(ref.port or "", outgoing=True)
    return f'<text class="size" x="{x + 7:.0f}" y="{y - 5:.0f}">{escape(shape_text(found))}</text>'


def _box(box: _Box) -> str:
    x, y = box.x, box.y
    parts = [
        f'<rect class="box" x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{box.height:.0f}" rx="7"/>',
        f'<path fill="{box.colour}" d="M{x:.0f} {y + HEADER - 4:.0f} {CAP}"/>',
        f'<text class="id" x="{x + 10:.0f}" y="{y + 16:.0f}">{escape(_short(box.title))}</text>',
        f'<text class="type" x="{x + 10:.0f}" y="{y + 30:.0f}">{escape(_short(box.subtitle))}</text>',
    ]
    for outgoing, names in ((False, box.inputs), (True, box.outputs)):
        for name in names:
            px, py = box.port_at(name, outgoing)
            at = f'x="{px - 9:.0f}" text-anchor="end"' if outgoing else f'x="{px + 9:.0f}"'
            parts.append(f'<circle class="dot" cx="{px:.0f}" cy="{py:.0f}" r="3.6"/>')
            parts.append(f'<text class="port" {at} y="{py + 4:.0f}">{escape(_short(name, 22))}</text>')
    return "".join(parts)


def _short(text: str, limit: int = 26) -> str:
    """A text that fits: what is drawn in double width (Han, Kana, Hangul) counts twice."""
    widths = [2 if east_asian_width(char) in "WF" else 1 for char in text]
    if sum(widths) <= limit:
        return text
    room = takewhile(lambda width: width < limit, accumulate(widths))
    return text[: len(list(room))] + "…"
