import type { Operation } from "../operations";
import type { GraphView } from "../payloads";
import { boxes, isIdle, rectOf } from "./boxes";
import { draw } from "./drawing";
import { freeSpot, overlap, type Rect } from "./geometry";
import { boxOf, outputBoxes } from "./rows";
import { useCanvas } from "./state";

const GAP = 24;
const EMPTY = { boxes: [], wires: [] };

type Named = Rect & { id: string };
export type Settle = (view: GraphView, created: string[]) => Operation[];

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
    const taken = left(before, view, mine);
    const wish = right === undefined ? block : { ...block, x: right - block.width };
    const spot = taken.some((box) => overlap(wish, box, GAP / 2))
      ? freeSpot(wish, taken, GAP, right === undefined ? 1 : -1)
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
