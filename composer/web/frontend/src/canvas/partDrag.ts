import type { MouseEvent as ReactMouseEvent, TouchEvent as ReactTouchEvent } from "react";
import type { Part } from "../logic/entries";
import type { Point } from "../logic/geometry";
import { beginDrag, endDrag, isDragging } from "./dragging";
import { askDrops, type Drops, dropPart, overAt } from "./drops";
import { panAtEdges, panBy } from "./panning";
import { useCanvas } from "./state";
import { pointOf } from "./underneath";

/** So far, in pixels, a press is a click. */
const STILL = 4;

interface Carrying {
  part: Part;
  name: string;
  colour: string;
  began: () => void;
}

/** A part of the palette was pressed by the mouse: it is carried once the mouse moves. */
export function pressPart(event: ReactMouseEvent, carrying: Carrying): void {
  if (event.button !== 0 || event.ctrlKey || event.metaKey) return;
  const start: Point = [event.clientX, event.clientY];
  const drag = new PartDrag(carrying, start);
  const moved = (next: MouseEvent) => drag.move(pointOf(next), true);
  const ended = (next: MouseEvent) => {
    stop();
    drag.drop(pointOf(next));
  };
  const stop = listening({ mousemove: moved, mouseup: ended });
  drag.stop = stop;
}

/** A part was touched: it is carried once the finger goes sideways, or leaves the palette; else the list scrolls. */
export function touchPart(event: ReactTouchEvent, carrying: Carrying): void {
  const touch = event.touches[0];
  if (event.touches.length !== 1 || !touch) return;
  const start: Point = [touch.clientX, touch.clientY];
  const edge = event.currentTarget.closest(".composer-palette")?.getBoundingClientRect().right ?? 0;
  const drag = new PartDrag(carrying, start);
  const moved = (next: TouchEvent) => {
    const at = pointOf(next);
    const sideways = Math.abs(at[0] - start[0]) > Math.abs(at[1] - start[1]);
    if (next.cancelable && (sideways || drag.carried)) next.preventDefault();
    drag.move(at, sideways || at[0] > edge);
  };
  const ended = (next: TouchEvent) => {
    stop();
    if (drag.carried && next.cancelable) next.preventDefault();
    drag.drop(pointOf(next));
  };
  const stop = listening({ touchmove: moved, touchend: ended });
  drag.stop = stop;
}

function listening(listeners: Record<string, (event: never) => void>): () => void {
  const entries = Object.entries(listeners) as unknown as [string, EventListener][];
  for (const [name, listener] of entries) window.addEventListener(name, listener, { passive: false });
  return () => {
    for (const [name, listener] of entries) window.removeEventListener(name, listener);
  };
}

/** One part that is carried over the canvas. */
class PartDrag {
  carried = false;
  stop: () => void = () => undefined;
  private drops: Drops | null = null;
  private asked: Promise<Drops> | null = null;
  private panning: ReturnType<typeof panAtEdges> | null = null;

  constructor(
    private readonly carrying: Carrying,
    private readonly start: Point,
  ) {}

  move(at: Point, wanted: boolean): void {
    const far = Math.hypot(at[0] - this.start[0], at[1] - this.start[1]) > STILL;
    if (!this.carried && (!far || !wanted || isDragging())) return;
    if (!this.carried) this.begin();
    if (!isDragging()) return; // it was given up
    this.panning?.move(at);
    const { name, colour, part } = this.carrying;
    useCanvas.getState().set({ carried: { name, colour, at }, over: overAt(at, { part, name }, this.drops) });
  }

  private begin(): void {
    const { part, name, began } = this.carrying;
    this.carried = true;
    began();
    beginDrag(() => this.clear());
    this.asked = askDrops({ part, name });
    void this.asked.then((drops) => {
      this.drops = drops;
    });
    this.panning = panAtEdges(this.start, panBy);
  }

  drop(at: Point): void {
    const dropped = this.carried && isDragging() && this.asked;
    this.clear();
    if (!dropped) return;
    endDrag();
    void dropPart(this.carrying.part, this.carrying.name, at, dropped);
  }

  private clear(): void {
    this.stop();
    this.panning?.stop();
    useCanvas.getState().set({ carried: null, over: null });
  }
}
