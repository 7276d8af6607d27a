import type { BoxText } from "./boxText";
import type { Row } from "./rows";

/** A place: to the right, and down. */
export type Point = [number, number];

/** Sizes of what is drawn, in pixels at 100%; canvas.css has the same. */
export const HANDLE = 12;
const HEAD = 44;
const BADGES = 20;
const ROW = 22;
const PAD = 6;
const FOOT = 22;
const NARROW = 144;
const WIDE = 304;
const LETTER = 6.7;

interface Drawn {
  text: BoxText;
  inputs: Row[];
  outputs: Row[];
}

const headOf = (box: Drawn): number => (box.text.type ? HEAD : HEAD - 14) + (box.text.badges.length ? BADGES : 0);

/** Where the middle of a line of ports is. */
export const rowY = (box: Drawn, at: number): number => headOf(box) + PAD + at * ROW + ROW / 2;

export function heightOf(box: Drawn): number {
  const rows = Math.max(box.inputs.length, box.outputs.length, 1);
  return headOf(box) + PAD * 2 + rows * ROW + (box.text.params ? FOOT : 0);
}

/** As wide as its words, within limits, on the grid. */
export function widthOf(box: Drawn): number {
  const { text, inputs, outputs } = box;
  const lines = [text.title.length * 1.16 + 7, text.type.length + text.numbers.length + 4];
  lines.push(
    text.badges.reduce((sum, badge) => sum + badge.words.length + 3, 0),
    Math.min(text.params.length * 0.92, 22),
  );
  const longest = (rows: Row[]) => Math.max(0, ...rows.map((row) => row.label.length + (row.sequence ? 3 : 0)));
  lines.push(longest(inputs) + longest(outputs) + 7);
  const wanted = Math.max(...lines) * LETTER + 16;
  return Math.ceil(Math.min(WIDE, Math.max(NARROW, wanted)) / 8) * 8;
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const overlap = (a: Rect, b: Rect, gap = 0): boolean =>
  a.x < b.x + b.width + gap && b.x < a.x + a.width + gap && a.y < b.y + b.height + gap && b.y < a.y + a.height + gap;

/** So far around a wished place others are looked at, in pixels, and so many of them. */
const REACH = 1600;
const NEAR = 40;
/** What a place costs that is out of sight, or on the wrong side. */
const FAR = 1e5;

export interface Wishes {
  /** Stays free between boxes. */
  gap?: number;
  /** What is in sight: a place in it comes before all others. */
  seen?: Rect | null;
  /** It does not go further to the right. */
  leftwards?: boolean;
}

/** The nearest free place to a wished one; as far away, below comes before above. */
export function freeSpot(
  wish: Rect,
  taken: Rect[],
  { gap = 16, seen, leftwards }: Wishes = {},
): { x: number; y: number } {
  const isFree = (x: number, y: number) => !taken.some((one) => overlap({ ...wish, x, y }, one, gap - 1));
  if (isFree(wish.x, wish.y)) return { x: snap(wish.x), y: snap(wish.y) };
  const away = (one: Rect) => Math.abs(one.x - wish.x) + Math.abs(one.y - wish.y);
  const near = taken.filter((one) => overlap(one, wish, REACH)).sort((one, other) => away(one) - away(other));
  const some = near.slice(0, NEAR);
  const xs = [
    snap(wish.x),
    ...some.flatMap((one) => [snapUp(one.x + one.width + gap), -snapUp(wish.width + gap - one.x)]),
  ];
  const ys = [
    snap(wish.y),
    ...some.flatMap((one) => [snapUp(one.y + one.height + gap), -snapUp(wish.height + gap - one.y)]),
  ];
  const cost = (x: number, y: number) =>
    Math.abs(x - wish.x) +
    Math.abs(y - wish.y) * (y < wish.y ? 1.5 : 1) +
    (seen && !within({ ...wish, x, y }, seen) ? FAR : 0) +
    (leftwards && x > wish.x ? FAR : 0);
  const spots = xs.flatMap((x) => ys.map((y) => ({ x, y, cost: cost(x, y) })));
  const found = spots.sort((one, other) => one.cost - other.cost).find(({ x, y }) => isFree(x, y));
  if (found) return { x: found.x, y: found.y };
  return { x: snap(wish.x), y: snap(Math.max(...taken.map((one) => one.y + one.height)) + gap) };
}

export const within = (rect: Rect, around: Rect): boolean =>
  rect.x >= around.x &&
  rect.y >= around.y &&
  rect.x + rect.width <= around.x + around.width &&
  rect.y + rect.height <= around.y + around.height;

/** Boxes that reach no others, though they grow. */
const APART = 8;

/** Where boxes go that others have grown into: down or to the right, and what is behind them too.
 * @param before Where the boxes stood, and how large they were.
 * @param after The same boxes with the sizes that they have now. */
export function pushed<T extends Rect & { id: string }>(
  before: T[],
  after: T[],
  gap = 24,
): Map<string, [number, number]> {
  const old = new Map(before.map((box) => [box.id, box]));
  const now = after.filter((box) => old.has(box.id)).map((box) => ({ ...box, was: old.get(box.id) as T }));
  const moved = new Map<string, [number, number]>();
  const waiting = now.filter(({ was, ...box }) => box.width > was.width || box.height > was.height);
  for (let tries = 0; waiting.length && tries < now.length * 4; tries++) {
    const grown = waiting.shift() as (typeof now)[number];
    for (const other of now) {
      if (other === grown || !overlap(grown, other, APART) || overlap(grown.was, other.was, APART)) continue;
      const below = other.was.y >= grown.was.y + grown.was.height;
      const beside = other.was.x >= grown.was.x + grown.was.width;
      if (below) other.y = snapUp(grown.y + grown.height + gap);
      else if (beside) other.x = snapUp(grown.x + grown.width + gap);
      else continue; // it is the other one that was reached
      moved.set(other.id, [other.x, other.y]);
      waiting.push(other);
    }
  }
  return moved;
}

const snapUp = (value: number): number => Math.ceil(value / 8) * 8;
export const snap = (value: number): number => Math.round(value / 8) * 8;

export type Alignment = "left" | "right" | "top" | "bottom" | "across" | "down";

/** Where boxes go when they are aligned, or spread with equal gaps. */
export function aligned(boxes: (Rect & { id: string })[], how: Alignment): Map<string, [number, number]> {
  const left = Math.min(...boxes.map((box) => box.x));
  const top = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  if (how === "across" || how === "down") return spread(boxes, how);
  return new Map(
    boxes.map((box) => {
      if (how === "left") return [box.id, [left, box.y]];
      if (how === "right") return [box.id, [right - box.width, box.y]];
      if (how === "top") return [box.id, [box.x, top]];
      return [box.id, [box.x, bottom - box.height]];
    }),
  );
}

function spread(boxes: (Rect & { id: string })[], how: "across" | "down"): Map<string, [number, number]> {
  const across = how === "across";
  const start = (box: Rect) => (across ? box.x : box.y);
  const length = (box: Rect) => (across ? box.width : box.height);
  const order = [...boxes].sort((a, b) => start(a) - start(b));
  const first = order[0];
  const last = order.at(-1);
  if (!first || !last || order.length < 3) return new Map();
  const room = start(last) + length(last) - start(first) - order.reduce((sum, box) => sum + length(box), 0);
  const gap = room / (order.length - 1);
  const found = new Map<string, [number, number]>();
  let at = start(first);
  for (const box of order) {
    found.set(box.id, across ? [Math.round(at), box.y] : [box.x, Math.round(at)]);
    at += length(box) + gap;
  }
  return found;
}

export type Direction = "left" | "right" | "up" | "down";

/** The nearest box in a direction: what lies straight ahead counts before what lies aside. */
export function nearest(from: Rect, boxes: (Rect & { id: string })[], direction: Direction): string | null {
  const middle = (box: Rect) => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const here = middle(from);
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const box of boxes) {
    const there = middle(box);
    const [dx, dy] = [there.x - here.x, there.y - here.y];
    const ahead = direction === "left" ? -dx : direction === "right" ? dx : direction === "up" ? -dy : dy;
    const aside = Math.abs(direction === "left" || direction === "right" ? dy : dx);
    if (ahead <= 1 || aside > ahead * 4) continue;
    const cost = ahead + aside * 2;
    if (cost < least) [best, least] = [box.id, cost];
  }
  return best;
}
