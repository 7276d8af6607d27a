import type { Operation } from "../operations";
import type { Target, WireView } from "../payloads";
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

/** A part as the operations name it. */
export const calledBy = (part: Part): { type?: string; graph?: string } | null =>
  part.kind === "input" ? null : part.kind === "component" ? { type: part.type } : { graph: part.graph };

/** Put a part into a wire; where it does not fit, it stands beside and the reason is told. */
export async function insertPart(part: Part, wire: WireView, spot?: Point): Promise<string | null> {
  const called = calledBy(part);
  if (!called) return null;
  const { edit, tell } = useComposer.getState();
  let reason = "";
  const insert: Operation = { op: "insert", ...wireOf(wire), ...called, position: placeFor(spot) };
  const reply = await edit([...writePlaces(), insert], {
    label: "insert",
    refused: (why) => {
      reason = why;
    },
  });
  if (reply) return reply.created[0] ?? null;
  tell("info", `${reason}; it stands beside the wire`);
  return addPart(part, spot);
}

/** A wire as the operation names it. */
export const wireOf = ({ source, node, port, at, modes }: WireView) => ({ source, target: { node, port, at }, modes });

/** Let a part take the place of a node, which keeps the wires and parameters that fit. */
export async function replaceNode(node: string, part: Part): Promise<boolean> {
  const called = calledBy(part);
  if (!called) return false;
  const operations: Operation[] = [{ op: "replace-node", node, ...called }];
  const reply = await useComposer.getState().edit(operations, { label: `replace ${node}`, select: [node] });
  return reply !== null;
}
