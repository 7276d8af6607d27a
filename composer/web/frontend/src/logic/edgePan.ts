import type { Point } from "./geometry";

export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** So near to an edge, in pixels, a drag moves the view. */
const ZONE = 40;
/** So far outside it still does. */
const BEYOND = 40;
/** A drag that began in the zone moves the view once it is this much nearer to the edge than where it began. */
const DELIBERATE = 16;
/** Pixels a frame, at the very edge. */
const FASTEST = 14;
/** Milliseconds in the zone before the view moves: who crosses it does not mean to. */
const DWELL = 160;

type Side = "left" | "right" | "top" | "bottom";
const SIDES: Side[] = ["left", "right", "top", "bottom"];

/** How far a point is from a side, inwards. */
const inwards = ([x, y]: Point, area: Area, side: Side): number =>
  side === "left" ? x - area.left : side === "right" ? area.right - x : side === "top" ? y - area.top : area.bottom - y;

/** Says how the view moves while something is dragged near an edge: never because the drag began there. */
export class EdgePan {
  private readonly began: Record<Side, number>;
  private readonly armed = new Set<Side>();
  private since: number | null = null;

  constructor(
    start: Point,
    private readonly area: Area,
  ) {
    this.began = Object.fromEntries(SIDES.map((side) => [side, inwards(start, area, side)])) as Record<Side, number>;
  }

  /** By how much the view moves in a frame, where the pointer is at this moment. */
  step(at: Point, now: number): Point {
    const depth = (side: Side): number => {
      const from = inwards(at, this.area, side);
      if (from > ZONE || (from >= 0 && this.began[side] - from >= DELIBERATE && this.began[side] >= 0))
        this.armed.add(side);
      return this.armed.has(side) && from < ZONE && from > -BEYOND ? Math.min(1, (ZONE - from) / ZONE) : 0;
    };
    const [left = 0, right = 0, top = 0, bottom = 0] = SIDES.map(depth);
    const inside = SIDES.every((side) => inwards(at, this.area, side) > -BEYOND);
    if (!inside || (!left && !right && !top && !bottom)) {
      this.since = null;
      return [0, 0];
    }
    this.since ??= now;
    if (now - this.since < DWELL) return [0, 0];
    return [(left - right) * FASTEST, (top - bottom) * FASTEST];
  }
}
