import { EdgePan } from "../logic/edgePan";
import type { Point } from "../logic/geometry";
import { useCanvas } from "./state";

export interface Panning {
  move: (at: Point) => void;
  stop: () => void;
}

/** Move the view by pixels of the screen. */
export function panBy({ x, y }: { x: number; y: number }): void {
  const { flow } = useCanvas.getState();
  const now = flow?.getViewport();
  if (now) void flow?.setViewport({ ...now, x: now.x + x, y: now.y + y });
}

/** Move the view while something is dragged near its edges; `pan` moves it, `then` draws what is dragged again. */
export function panAtEdges(
  start: Point,
  pan: (by: { x: number; y: number }) => void,
  then?: (at: Point) => void,
): Panning {
  const area = useCanvas.getState().root?.getBoundingClientRect();
  let at = start;
  let frame = 0;
  const edges = area && new EdgePan(start, area);
  const step = (now: number) => {
    const [x, y] = edges?.step(at, now) ?? [0, 0];
    if (x || y) {
      pan({ x, y });
      then?.(at);
    }
    frame = requestAnimationFrame(step);
  };
  frame = requestAnimationFrame(step);
  return {
    move: (next) => {
      at = next;
    },
    stop: () => cancelAnimationFrame(frame),
  };
}
