/** What the canvas shows after it got another size: the dock opened, a panel was dragged, the window changed. */
import type { Rect } from "./geometry";

interface Size {
  width: number;
  height: number;
}

interface View {
  x: number;
  y: number;
  zoom: number;
}

const MARGIN = 16;

/** Follows the sizes of a canvas: what a person left in sight is what counts, not what was made of it for a size between. */
export class Seen {
  private size: Size | null = null;
  private left: { view: View; size: Size } | null = null;
  private drawn: View | null = null;

  /** What is to be shown at a size, in place of what is shown now. */
  resized(view: View, size: Size, keep: Rect[]): View {
    const went = this.left !== null && this.drawn !== null && same(this.drawn, view);
    const left = went && this.left ? this.left : { view, size: this.size ?? size };
    this.size = size;
    this.left = left;
    this.drawn = resized(left.view, left.size, size, keep);
    return this.drawn;
  }
}

const same = (one: View, other: View): boolean => one.x === other.x && one.y === other.y && one.zoom === other.zoom;

/** The view of a canvas of one size for another: what was in the middle stays there, and what was seen whole stays seen whole.
 * Of several rectangles that were seen whole (all boxes, then those selected) the first one counts. */
export function resized(view: View, from: Size, to: Size, keep: Rect[]): View {
  const moved = { ...view, x: view.x + (to.width - from.width) / 2, y: view.y + (to.height - from.height) / 2 };
  const kept = keep.find((rect) => isWithin(onScreen(rect, view), from));
  if (!kept || isWithin(onScreen(kept, moved), to)) return moved;
  const margin = Math.max(0, Math.min(MARGIN, (to.width - 1) / 2, (to.height - 1) / 2));
  const room = { width: to.width - 2 * margin, height: to.height - 2 * margin };
  const zoom = Math.min(view.zoom, room.width / kept.width, room.height / kept.height);
  const middle = { x: (to.width / 2 - moved.x) / moved.zoom, y: (to.height / 2 - moved.y) / moved.zoom };
  const x = to.width / 2 - middle.x * zoom;
  const y = to.height / 2 - middle.y * zoom;
  return {
    zoom,
    x: x + inside(kept.x * zoom + x, kept.width * zoom, margin, room.width),
    y: y + inside(kept.y * zoom + y, kept.height * zoom, margin, room.height),
  };
}

const onScreen = (rect: Rect, { x, y, zoom }: View): Rect => ({
  x: rect.x * zoom + x,
  y: rect.y * zoom + y,
  width: rect.width * zoom,
  height: rect.height * zoom,
});

const isWithin = (rect: Rect, size: Size): boolean =>
  rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= size.width && rect.y + rect.height <= size.height;

/** How far a stretch is to be moved to lie inside. */
function inside(at: number, length: number, margin: number, room: number): number {
  if (at < margin) return margin - at;
  return Math.min(0, margin + room - at - length);
}
