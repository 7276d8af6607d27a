import type { Operation } from "../operations";
import type { Target } from "../payloads";
import { useComposer } from "../store";
import { boxes, rectOf, writePlaces } from "./boxes";
import type { Box } from "./drawing";
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

/** Outputs that nothing is wired to make room by themselves. */
const stays = ({ data }: Box): boolean => data.view !== null || (data.output !== null && (data.output.position !== null || data.inputs.length > 1));

/** A free place in the middle of the view, or where it is wished. */
export function placeFor(spot?: Point): Point {
  const at = spot ? { x: spot[0], y: spot[1] } : middle();
  const wish: Rect = { x: at.x - (spot ? 0 : WIDTH / 2), y: at.y - (spot ? 0 : HEIGHT / 2), width: WIDTH, height: HEIGHT };
  const taken = boxes().filter(stays).map(rectOf);
  const found = freeSpot(wish, taken, 24);
  return [found.x, found.y];
}

interface Wired {
  source?: string;
  target?: Target;
}

function adding(part: Part, position: Point, wired: Wired): Operation {
  if (part.kind === "input") return { op: "add-input", section: part.section, type: part.type, position, target: wired.target };
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
