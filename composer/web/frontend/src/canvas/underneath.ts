import type { Point } from "../logic/geometry";
import { useCanvas } from "./state";

/** What lies at a point of the screen: a box, a wire near it, or the ground of the canvas. */
export interface Underneath {
  box: string | null;
  wire: string | null;
  ground: boolean;
}

const NOTHING: Underneath = { box: null, wire: null, ground: false };
/** So far from the pointer, in pixels, a wire is still meant. */
const RINGS = [0, 9, 18];

/** What lies there; `without` is looked through (the box that is dragged). */
export function underneath([x, y]: Point, without: string | null = null): Underneath {
  const all = document.elementsFromPoint(x, y);
  const { root } = useCanvas.getState();
  const top = all.find((one) => !within(one, ".react-flow__node", without));
  if (!top || !root?.contains(top) || !top.closest(".react-flow")) return NOTHING;
  const box = idOf(top, ".react-flow__node-box");
  if (box !== null) return { box, wire: null, ground: false };
  if (top.closest(".react-flow__panel")) return NOTHING;
  return { box: null, wire: wireNear([x, y]), ground: true };
}

/** The wire under a point, or the nearest one around it. */
function wireNear([x, y]: Point): string | null {
  for (const radius of RINGS) {
    for (let turn = 0; turn < (radius ? 8 : 1); turn++) {
      const angle = (turn * Math.PI) / 4;
      const all = document.elementsFromPoint(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
      for (const one of all) {
        const id = idOf(one, ".react-flow__edge");
        if (id !== null) return id;
      }
    }
  }
  return null;
}

const idOf = (element: Element, selector: string): string | null =>
  element.closest<HTMLElement>(selector)?.dataset.id ?? null;

const within = (element: Element, selector: string, id: string | null): boolean =>
  id !== null && element.closest<HTMLElement>(selector)?.dataset.id === id;

/** Where an event of a mouse or of a finger is. */
export function pointOf(event: MouseEvent | TouchEvent): Point {
  if ("clientX" in event) return [event.clientX, event.clientY];
  const touch = event.touches[0] ?? event.changedTouches[0];
  return touch ? [touch.clientX, touch.clientY] : [0, 0];
}
