import dagre from "@dagrejs/dagre";
import { freeSpot, type Rect, snap } from "./geometry";

export interface Sized {
  id: string;
  width: number;
  height: number;
  position: { x: number; y: number } | null;
}
export interface Link {
  source: string;
  target: string;
}

/** All boxes in columns from left to right, along the wires. */
export function layOutAll(boxes: Sized[], links: Link[]): Map<string, [number, number]> {
  const graph = new dagre.graphlib.Graph({ multigraph: false });
  graph.setGraph({ rankdir: "LR", nodesep: 32, ranksep: 96, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height });
  for (const { source, target } of links) {
    if (source !== target && graph.hasNode(source) && graph.hasNode(target)) graph.setEdge(source, target);
  }
  dagre.layout(graph);
  return new Map(
    boxes.map(({ id, width, height }) => {
      const { x, y } = graph.node(id) as { x: number; y: number };
      return [id, [snap(x - width / 2), snap(y - height / 2)]];
    }),
  );
}

/** Where the boxes go that have no place: as a whole if none has one, else beside what they are wired to. */
export function placeUnplaced(boxes: Sized[], links: Link[]): Map<string, [number, number]> {
  const lost = boxes.filter((box) => !box.position);
  if (!lost.length) return new Map();
  if (lost.length === boxes.length) return layOutAll(boxes, links);
  const ideal = layOutAll(boxes, links);
  const found = new Map<string, [number, number]>();
  const placed = new Map<string, Rect>();
  for (const { id, width, height, position } of boxes) {
    if (position) placed.set(id, { ...position, width, height });
  }
  const order = [...lost].sort((a, b) => (ideal.get(a.id)?.[0] ?? 0) - (ideal.get(b.id)?.[0] ?? 0));
  for (const box of order) {
    const spot = freeSpot({ ...beside(box, links, placed), width: box.width, height: box.height }, [
      ...placed.values(),
    ]);
    found.set(box.id, [spot.x, spot.y]);
    placed.set(box.id, { ...spot, width: box.width, height: box.height });
  }
  return found;
}

const GAP = 112;

function beside(box: Sized, links: Link[], placed: Map<string, Rect>): { x: number; y: number } {
  const rects = (names: string[]) => names.map((name) => placed.get(name)).filter((rect) => rect !== undefined);
  const sources = rects(links.filter((link) => link.target === box.id).map((link) => link.source));
  const targets = rects(links.filter((link) => link.source === box.id).map((link) => link.target));
  const mean = (found: Rect[]) => found.reduce((sum, rect) => sum + rect.y, 0) / found.length;
  if (sources.length) return { x: Math.max(...sources.map((rect) => rect.x + rect.width)) + GAP, y: mean(sources) };
  if (targets.length) return { x: Math.min(...targets.map((rect) => rect.x)) - GAP - box.width, y: mean(targets) };
  const all = [...placed.values()];
  return { x: Math.min(...all.map((rect) => rect.x)), y: Math.max(...all.map((rect) => rect.y + rect.height)) + 48 };
}
