import { useEffect } from "react";
import type { Point } from "../logic/geometry";
import { useComposer } from "../store";
import { cancelDrag } from "./dragging";
import { type Popup, useCanvas } from "./state";

/** A finger that rests so long, in milliseconds, opens the menu. */
const LONG = 550;
/** And goes no further than this, in pixels. */
const STILL = 10;

/** What fingers do on the canvas beside dragging: a long press opens the menu, two fingers zoom and move the view. */
export function useTouch(): void {
  const root = useCanvas((state) => state.root);
  useEffect(() => {
    if (!root) return;
    const press = new LongPress();
    const pinch = new Pinch();
    const began = (event: TouchEvent) => {
      press.begin(event);
      pinch.begin(event);
    };
    const moved = (event: TouchEvent) => {
      press.move(event);
      pinch.move(event);
    };
    const ended = (event: TouchEvent) => {
      press.end(event);
      pinch.end(event);
    };
    const options = { capture: true, passive: false };
    root.addEventListener("touchstart", began, options);
    window.addEventListener("touchmove", moved, options);
    window.addEventListener("touchend", ended, options);
    window.addEventListener("touchcancel", ended, options);
    return () => {
      root.removeEventListener("touchstart", began, options);
      window.removeEventListener("touchmove", moved, options);
      window.removeEventListener("touchend", ended, options);
      window.removeEventListener("touchcancel", ended, options);
    };
  }, [root]);
}

const pointsOf = (event: TouchEvent): Point[] => [...event.touches].map((one) => [one.clientX, one.clientY]);
const onFlow = (target: EventTarget | null): target is Element =>
  target instanceof Element && target.closest(".react-flow__renderer") !== null;

/** A finger that rests opens the menu of what is under it. */
class LongPress {
  private timer = 0;
  private start: Point | null = null;
  private opened = false;

  begin(event: TouchEvent): void {
    this.stop();
    this.opened = false;
    const [at, another] = pointsOf(event);
    const { target } = event;
    if (!at || another || !onFlow(target)) return;
    this.start = at;
    this.timer = window.setTimeout(() => {
      cancelDrag();
      this.opened = true;
      openMenu(target, at);
    }, LONG);
  }

  move(event: TouchEvent): void {
    const [at] = pointsOf(event);
    if (at && this.start && Math.hypot(at[0] - this.start[0], at[1] - this.start[1]) > STILL) this.stop();
  }

  /** No click comes of it where the menu was opened. */
  end(event: TouchEvent): void {
    this.stop();
    if (this.opened && event.cancelable) event.preventDefault();
  }

  private stop(): void {
    window.clearTimeout(this.timer);
    this.start = null;
  }
}

function openMenu(target: Element, at: Point): void {
  const box = target.closest<HTMLElement>(".react-flow__node");
  const wire = target.closest<HTMLElement>(".react-flow__edge")?.dataset.id;
  const { selection, wires, select } = useComposer.getState();
  let about: Extract<Popup, { kind: "menu" }>["about"] = "canvas";
  if (box?.dataset.id) {
    if (!selection.includes(box.dataset.id)) select([box.dataset.id]);
    about = box.classList.contains("react-flow__node-comment") ? "comment" : "node";
  } else if (wire) {
    if (!wires.includes(wire)) select([], wire);
    about = "wire";
  }
  useCanvas.getState().set({ popup: { kind: "menu", at, about } });
}

/** Two fingers wherever they are, also on boxes, zoom and move the view. */
class Pinch {
  private last: { middle: Point; apart: number } | null = null;

  begin(event: TouchEvent): void {
    this.last = null;
    if (event.touches.length !== 2 || !onFlow(event.target)) return;
    cancelDrag();
    this.last = measured(event);
    event.preventDefault();
    event.stopPropagation(); // d3 would zoom, too, where both fingers are on the ground
  }

  move(event: TouchEvent): void {
    const { flow, root } = useCanvas.getState();
    const before = this.last;
    if (!before || event.touches.length !== 2 || !flow || !root) return;
    event.preventDefault();
    event.stopPropagation();
    const now = measured(event);
    this.last = now;
    const area = root.getBoundingClientRect();
    const view = flow.getViewport();
    const zoom = Math.min(2, Math.max(0.05, (view.zoom * now.apart) / before.apart));
    const [x, y] = [before.middle[0] - area.left, before.middle[1] - area.top];
    const [dx, dy] = [now.middle[0] - before.middle[0], now.middle[1] - before.middle[1]];
    const scale = zoom / view.zoom;
    void flow.setViewport({ x: x + dx - (x - view.x) * scale, y: y + dy - (y - view.y) * scale, zoom });
  }

  end(event: TouchEvent): void {
    if (event.touches.length < 2) this.last = null;
  }
}

function measured(event: TouchEvent): { middle: Point; apart: number } {
  const [[ax, ay] = [0, 0], [bx, by] = [0, 0]] = pointsOf(event);
  return { middle: [(ax + bx) / 2, (ay + by) / 2], apart: Math.max(1, Math.hypot(ax - bx, ay - by)) };
}
