"""A picture of a graph, as SVG: boxes with their ports, wires with the sizes that they carry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import accumulate, takewhile
from unicodedata import east_asian_width

import networkx as nx

from composer.catalog import Catalog
from composer.graph import Graph, Node, Ref, refs_of
from composer.inference import Shapes, infer_shapes
from composer.inference.sizes import shape_text

__all__ = ["draw"]

WIDTH, HEADER, ROW, COLUMN_GAP, ROW_GAP, MARGIN = 190, 40, 18, 110, 34, 24

COLOURS = {
    "backbones": "#3867d6",
    "necks": "#0f8a8a",
    "heads": "#8854d0",
    "losses": "#c0392b",
    "layers": "#596275",
    "postprocessing": "#218c4c",
    "target_generators": "#b26a00",
    "memories": "#7d5a3c",
    "input": "#1e272e",
    "output": "#1e272e",
}
OTHER = "#596275"

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
    """One box of the picture: an input, a node, or the outputs of a mode."""

    title: str
    subtitle: str
    kind: str
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
    """The SVG text of a graph's picture; columns follow the order of the calls.

    Args:
        graph: The graph; it may have problems.
        catalog: The components; by default those that come with composer.
        shapes: What ``infer_shapes`` found, if it is at hand.
    """
    catalog = Catalog.default() if catalog is None else catalog
    shapes = shapes or infer_shapes(graph, catalog)
    boxes = _boxes(graph, catalog)
    wires = [wire for wire in _wires(graph, boxes) if wire[0] in boxes]
    _place(boxes, wires)
    width = max((box.x for box in boxes.values()), default=0) + WIDTH + MARGIN
    lanes = _lanes(boxes, wires)
    bottoms = [*(box.y + box.height for box in boxes.values()), *lanes.values()]
    height = max(bottoms, default=0) + MARGIN
    parts = [_wire(boxes, wire, lanes.get((wire[0], wire[2], wire[3]))) for wire in wires]
    parts += [_box(box) for box in boxes.values()]
    parts += dict.fromkeys(_size(boxes[source], ref, shapes) for source, ref, _, _ in wires)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">'
    ground = '<rect width="100%" height="100%" rx="10" fill="#f7f8fa"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, "</svg>", ""])


def _boxes(graph: Graph, catalog: Catalog) -> dict[str, _Box]:
    boxes: dict[str, _Box] = {}
    for name, entry in graph.inputs.items():
        boxes[name] = _Box(name, f"input: {entry.type}", "input", [], [""])
    for name, node in graph.nodes.items():
        boxes[name] = _node(graph, name, node, catalog)
    for name, entry in graph.data_samples.items():
        boxes[name] = _Box(name, f"data sample: {entry.type}", "input", [], [""])
    for mode, outputs in graph.outputs.items():
        boxes[f"-> {mode}"] = _Box(mode, "mode", "output", list(outputs), [])
    return boxes


def _node(graph: Graph, name: str, node: Node, catalog: Catalog) -> _Box:
    origin, rule = node, ""
    for _ in graph.nodes:
        if origin.type is None and origin.graph is None and origin.weights.source in graph.nodes:
            rule = rule or f" ({node.weights.rule})"
            origin = graph.nodes[str(origin.weights.source)]
    component = catalog.get(origin.type)
    if component is not None:
        outputs = [port.name for port in component.outputs]
        return _Box(name, f"{component.name}{rule}", component.kind, list(node.inputs), outputs)
    body = graph.graphs.get(origin.graph or "")
    outputs = [""] if body is None else list(body.outputs)
    return _Box(name, f"{origin.graph or origin.type or '?'}{rule}", "", list(node.inputs), outputs)


def _wires(graph: Graph, boxes: Mapping[str, _Box]) -> Iterator[tuple[str, Ref, str, str]]:
    """Source box, reference, target box and port."""
    for name, node in graph.nodes.items():
        for port, wire in node.inputs.items():
            for ref in dict.fromkeys(refs_of(wire)):
                yield ref.source, ref, name, port
    for mode, outputs in graph.outputs.items():
        for port, ref in outputs.items():
            yield ref.source, ref, f"-> {mode}", port


def _place(boxes: Mapping[str, _Box], wires: list[tuple[str, Ref, str, str]]) -> None:
    """Columns by the longest way from an input; within a column in the order of what feeds a box."""
    dag: nx.DiGraph[str] = nx.DiGraph()
    dag.add_nodes_from(boxes)
    dag.add_edges_from((source, target) for source, _, target, _ in wires)
    while not nx.is_directed_acyclic_graph(dag):
        dag.remove_edge(*nx.find_cycle(dag)[0][:2])
    column: dict[str, int] = {}
    for name in nx.topological_sort(dag):
        column[name] = max((column[other] + 1 for other in dag.predecessors(name)), default=0)
    for name in boxes:  # an input stands just before what it feeds first
        if not dag.in_degree(name) and dag.out_degree(name):
            column[name] = min(column[other] for other in dag.successors(name)) - 1
    last = max(column.values(), default=0)
    bottoms: dict[int, float] = {}
    for name in sorted(boxes, key=lambda item: column[item]):
        if name.startswith("-> "):
            column[name] = last
        box = boxes[name]
        fed = [boxes[other].y for other in dag.predecessors(name)]
        top = bottoms.get(column[name], MARGIN)
        box.x = MARGIN + column[name] * (WIDTH + COLUMN_GAP)
        box.y = max(top, min(fed)) if fed else top
        bottoms[column[name]] = box.y + box.height + ROW_GAP


def _lanes(boxes: Mapping[str, _Box], wires: list[tuple[str, Ref, str, str]]) -> dict[tuple[str, str, str], float]:
    """Heights below the boxes in between, for wires that would otherwise run behind these; one lane a source port."""
    lanes: dict[tuple[str, str], float] = {}
    found: dict[tuple[str, str, str], float] = {}
    for source, ref, target, port in wires:
        (x1, y1), (x2, y2) = boxes[source].port_at(ref.port or "", True), boxes[target].port_at(port, False)
        between = [box for box in boxes.values() if x1 < box.x + WIDTH / 2 < x2]
        low, high = min(y1, y2) - 8, max(y1, y2) + 8
        if any(box.y < high and box.y + box.height > low for box in between):
            floor = max(box.y + box.height for box in between) + 14
            taken = [lane for lane in lanes.values() if abs(lane - floor) < 40]
            lane = lanes.setdefault((source, ref.port or ""), max([floor, *(other + 10 for other in taken)]))
            found[source, target, port] = max(lane, floor)
    return found


def _wire(boxes: Mapping[str, _Box], wire: tuple[str, Ref, str, str], lane: float | None) -> str:
    source, ref, target, port = wire
    x1, y1 = boxes[source].port_at(ref.port or "", outgoing=True)
    x2, y2 = boxes[target].port_at(port, outgoing=False)
    if lane is None:
        bend = max(36.0, min(abs(x2 - x1) / 2, COLUMN_GAP))
        line = f"C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    else:
        turn, half = COLUMN_GAP * 0.8, COLUMN_GAP * 0.5
        down = f"C{x1 + half:.0f} {y1:.0f} {x1 + half:.0f} {lane:.0f} {x1 + turn:.0f} {lane:.0f}"
        up = f"C{x2 - half:.0f} {lane:.0f} {x2 - half:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
        line = f"{down} H{x2 - turn:.0f} {up}"
    return f'<path class="wire" d="M{x1:.0f} {y1:.0f} {line}"/>'


def _size(box: _Box, ref: Ref, shapes: Shapes) -> str:
    """The sizes on a wire, written where it leaves its port; of a pyramid the level that is taken."""
    key = ref.source if box.kind == "input" else f"{ref.source}.{ref.port or box.outputs[0]}"
    found = shapes.get(key)
    if isinstance(found, tuple) and found and isinstance(found[0], tuple):
        index = ref.index if ref.index is not None else -1
        found = found[index] if -len(found) <= index < len(found) else None
    if found is None:
        return ""
    x, y = box.port_at(ref.port or "", outgoing=True)
    return f'<text class="size" x="{x + 7:.0f}" y="{y - 5:.0f}">{escape(shape_text(found))}</text>'


def _box(box: _Box) -> str:
    colour = COLOURS.get(box.kind, OTHER)
    x, y = box.x, box.y
    parts = [
        f'<rect class="box" x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{box.height:.0f}" rx="7"/>',
        f'<path fill="{colour}" d="M{x:.0f} {y + HEADER - 4:.0f} {CAP}"/>',
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
