import { freeSpot, overlap, pushed, type Rect } from "../logic/geometry";
import type { Operation } from "../logic/operations";
import { boxOf, outputBoxes } from "../logic/rows";
import type { GraphView } from "../payloads";
import type { Settle } from "../store";
import { boxes, isIdle, moves, rectOf } from "./boxes";
import { draw } from "./drawing";
import { useCanvas } from "./state";

const GAP = 24;
const EMPTY = { boxes: [], wires: [] };

type Named = Rect & { id: string };

/** What stands on the canvas, without outputs that make room by themselves. */
export const standing = (): Named[] => boxes().flatMap((box) => (box.data.comment || isIdle(box) ? [] : [rectOf(box)]));

/** Moves what an edit has made, as one block, to the nearest place where nothing stands.
 * @param right Where its right side has to be, if it stands left of what it feeds. */
export function settled(right?: number): Settle {
  const before = standing();
  return (view, created) => {
    const mine = placed(view, created);
    const block = around(mine);
    if (!block) return [];
    const taken = [...left(before, view, mine), ...overlays()];
    const wish = right === undefined ? block : { ...block, x: right - block.width };
    const spot = taken.some((box) => overlap(wish, box, GAP / 2))
      ? freeSpot(wish, taken, { gap: GAP, seen: inSight(), leftwards: right !== undefined })
      : wish;
    return moving(mine, spot.x - block.x, spot.y - block.y);
  };
}

/** Makes room for what stands in place of a box: what is right of it moves right, what is below it moves down. */
export function roomy(id: string): Settle {
  const before = standing();
  return (view, created) => {
    const hole = before.find((box) => box.id === id);
    const mine = placed(view, created);
    const block = around(mine);
    if (!hole || !block) return [];
    const others = left(before, view, mine);
    if (!others.some((box) => mine.some((one) => overlap(one, box, GAP / 2)))) return [];
    const right = Math.max(0, block.width - hole.width);
    const down = Math.max(0, block.height - hole.height);
    const positions: Record<string, [number, number]> = {};
    for (const { id: other, x, y } of others) {
      const aside = x >= hole.x + hole.width ? right : 0;
      const below = y >= hole.y + hole.height ? down : 0;
      if (aside || below) positions[other] = [Math.round(x + aside), Math.round(y + below)];
    }
    return [...moving(mine, hole.x - block.x, hole.y - block.y), { op: "place", positions }];
  };
}

/** Makes room for boxes that have grown: by a line of ports, by what their parameters say. */
export function growing(): Settle {
  const before = standing();
  const known = new Map(before.map((box) => [box.id, box]));
  return (view) => {
    const drawn = drawnOf(view);
    const after = drawn.flatMap((box) => {
      const { x, y } = known.get(box.id) ?? {};
      return x === undefined || y === undefined ? [] : [{ ...box, x, y }];
    });
    const goals = pushed(before, after, GAP);
    return goals.size ? moves(goals) : [];
  };
}

/** The boxes of a view; none where it cannot be drawn, which the canvas says once it is shown. */
function drawnOf(view: GraphView): Named[] {
  try {
    return draw(view, EMPTY, useCanvas.getState().levels).boxes.map(rectOf);
  } catch {
    return [];
  }
}

/** What of the canvas is in sight, in its own pixels. */
export function inSight(): Rect | null {
  const { flow, root } = useCanvas.getState();
  return flow && root ? onCanvas(root.getBoundingClientRect()) : null;
}

/** What lies over the canvas, where it is on the graph now. */
export function overlays(): Named[] {
  const { flow, root } = useCanvas.getState();
  if (!flow || !root) return [];
  const parts = [...root.querySelectorAll(".composer-minimap, .composer-zoombar")];
  return parts.map((part) => ({ id: "", ...onCanvas(part.getBoundingClientRect()) }));
}

function onCanvas({ left, top, width, height }: DOMRect): Rect {
  const { flow } = useCanvas.getState();
  const zoom = flow?.getZoom() ?? 1;
  return {
    ...(flow?.screenToFlowPosition({ x: left, y: top }) ?? { x: left, y: top }),
    width: width / zoom,
    height: height / zoom,
  };
}

/** What stood before and is there still, but for what was made. */
function left(before: Named[], view: GraphView, mine: Named[]): Named[] {
  const there = new Set([...view.nodes.map((node) => node.name), ...outputBoxes(view).map(boxOf)]);
  for (const { id } of mine) there.delete(id);
  return before.filter((box) => there.has(box.id));
}

/** Boxes of a view that have a place in it, with their sizes. */
function placed(view: GraphView, names: string[]): Named[] {
  const wanted = new Set(names);
  const some = { ...view, nodes: view.nodes.filter((node) => wanted.has(node.name) && node.position) };
  return draw(some, EMPTY, useCanvas.getState().levels)
    .boxes.filter((box) => wanted.has(box.id))
    .map(rectOf);
}

function around(rects: Rect[]): Rect | null {
  if (!rects.length) return null;
  const [x, y] = [Math.min(...rects.map((one) => one.x)), Math.min(...rects.map((one) => one.y))];
  return {
    x,
    y,
    width: Math.max(...rects.map((one) => one.x + one.width)) - x,
    height: Math.max(...rects.map((one) => one.y + one.height)) - y,
  };
}

function moving(mine: Named[], dx: number, dy: number): Operation[] {
  if (!dx && !dy) return [];
  const moved = mine.map(({ id, x, y }) => [id, [Math.round(x + dx), Math.round(y + dy)]] as const);
  return [{ op: "place", positions: Object.fromEntries(moved.map(([id, [x, y]]) => [id, [x ?? 0, y ?? 0]])) }];
}
