import type { Part } from "../logic/entries";
import type { Point } from "../logic/geometry";
import { freeSpot, type Rect } from "../logic/geometry";
import type { Operation } from "../logic/operations";
import type { Target, WireView } from "../payloads";
import { useComposer } from "../store";
import { writePlaces } from "./boxes";
import { inSight, overlays, settled, standing } from "./freePlace";
import { useCanvas } from "./state";

/** The middle of what is seen, on the canvas. */
export function middle(): { x: number; y: number } {
  const { flow, root } = useCanvas.getState();
  if (!flow || !root) return { x: 0, y: 0 };
  const area = root.getBoundingClientRect();
  return flow.screenToFlowPosition({ x: area.left + area.width / 2, y: area.top + area.height / 2 });
}

const WIDTH = 200;
const HEIGHT = 112;
const GAP = 80;

/** A free place where it is wished; else on the right of the selected box, or in the middle of the view. */
export function placeFor(spot?: Point): Point {
  const taken = [...standing(), ...overlays()];
  const { selection } = useComposer.getState();
  const beside = selection.length === 1 ? taken.find((box) => box.id === selection[0]) : undefined;
  const at = middle();
  const [x, y] = spot ?? (beside ? [beside.x + beside.width + GAP, beside.y] : [at.x - WIDTH / 2, at.y - HEIGHT / 2]);
  const found = freeSpot({ x, y, width: WIDTH, height: HEIGHT }, taken, { gap: 24, seen: inSight() });
  return [found.x, found.y];
}

/** The box that something new stands left of: what it is to feed, or for an input the box that is selected. */
function feeding(part: Part, spot: Point | undefined, wired: Wired): (Rect & { id: string }) | undefined {
  const { selection } = useComposer.getState();
  const chosen = part.kind === "input" && !spot && selection.length === 1 ? selection[0] : undefined;
  const found = standing().find((box) => box.id === (wired.target?.node ?? chosen));
  return found && spot && spot[0] + WIDTH <= found.x ? undefined : found;
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
  const fed = feeding(part, spot, wired);
  const position: Point = fed ? [fed.x - GAP - WIDTH, fed.y] : placeFor(spot);
  const reply = await useComposer.getState().edit([...writePlaces(), adding(part, position, wired)], {
    label: "add",
    settle: settled(fed && fed.x - GAP),
  });
  return reply?.created[0] ?? null;
}

/** A part as the operations name it. */
export const calledBy = (part: Part): { type?: string; graph?: string } | null =>
  part.kind === "input" ? null : part.kind === "component" ? { type: part.type } : { graph: part.graph };

/** Put a part into a wire; where it does not fit, it stands beside and a toast says why. */
export async function insertPart(part: Part, wire: WireView, spot?: Point): Promise<string | null> {
  const called = calledBy(part);
  if (!called) return null;
  const { edit, notify } = useComposer.getState();
  let reason = "";
  const insert: Operation = { op: "insert", ...wireOf(wire), ...called, position: placeFor(spot) };
  const reply = await edit([...writePlaces(), insert], {
    label: "insert",
    settle: settled(),
    refused: (why) => {
      reason = why;
    },
  });
  if (reply) return reply.created[0] ?? null;
  notify("info", `${reason}; it stands beside the wire`);
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
