import type { Operation } from "../operations";
import type { Target } from "../payloads";
import { useComposer } from "../store";
import { boxes, isIdle, rectOf, writePlaces } from "./boxes";
import { freeSpot, type Rect } from "./geometry";
import { type Point, useCanvas } from "./state";

/** Something that can be put on the canvas. */
export type Part =
  | { kind: "component"; type: string }
  | { kind: "subgraph"; graph: string }
  | { kind: "input"; section: "inputs" | "data_samples"; type: string };

/** The middle of what is seen, on the canvas. */
export function middle(): { x: number; y: number } {
  const { flow, root } = useCanvas.getState();
  if (!flow || !root) return { x: 0, y: 0 };
  const area = root.getBoundingClientRect();
  return flow.screenToFlowPosition({ x: area.left + area.width / 2, y: area.top + area.height / 2 });
}

const WIDTH = 200;
const HEIGHT = 112;

/** A free place where it is wished; else on the right of the selected box, or in the middle of the view. */
export function placeFor(spot?: Point): Point {
  const all = boxes();
  const taken = all.filter((box) => !box.data.comment && !isIdle(box)).map(rectOf);
  const { selection } = useComposer.getState();
  const beside = selection.length === 1 ? taken.find((box) => box.id === selection[0]) : undefined;
  const at = middle();
  const [x, y] = spot ?? (beside ? [beside.x + beside.width + 80, beside.y] : [at.x - WIDTH / 2, at.y - HEIGHT / 2]);
  const wish: Rect = { x, y, width: WIDTH, height: HEIGHT };
  const found = freeSpot(wish, taken, 24);
  return [found.x, found.y];
}

interface Wired {
  source?: string;
  target?: Target;
}

function adding(part: Part, position: Point, wired: Wired): Operation {
  if (part.kind === "input")
    return { op: "add-input", section: part.section, type: part.type, position, target: wired.target };
  const called = part.kind === "component" ? { type: part.type } : { graph: part.graph };
  return { op: "add-node", ...called, position, ...wired };
}

/** Add a part, wired if a wire is waiting for it; one step. */
export async function addPart(part: Part, spot?: Point, wired: Wired = {}): Promise<string | null> {
  const position = placeFor(spot);
  const reply = await useComposer.getState().edit([...writePlaces(), adding(part, position, wired)], { label: "add" });
  return reply?.created[0] ?? null;
}

export const PART = "application/x-composer-part";
