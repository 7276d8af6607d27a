import type { BoxText } from "./boxText";
import type { Row } from "./rows";

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

/** The nearest free place below a wished one; far below, further on to the right (or, with -1, to the left). */
export function freeSpot(wish: Rect, taken: Rect[], gap = 16, onward: 1 | -1 = 1): { x: number; y: number } {
  const spot = { ...wish };
  for (let tries = 0; tries < 400; tries++) {
    const hit = taken.find((one) => overlap(spot, one, gap - 1));
    if (!hit) return { x: snap(spot.x), y: snap(spot.y) };
    spot.y = hit.y + hit.height + gap;
    if (spot.y - wish.y > 900) {
      spot.y = wish.y;
      spot.x += onward * (wish.width + gap * 3);
    }
  }
  return { x: snap(wish.x), y: snap(Math.max(...taken.map((one) => one.y + one.height)) + gap) };
}

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
