import type { Rect } from "../logic/geometry";
import type { Operation } from "../logic/operations";
import { useComposer } from "../store";
import { withCarried } from "./commentDrag";
import { type Box, isPlaced } from "./drawing";
import { useCanvas } from "./state";

/** The boxes that are on the canvas now. */
export const boxes = (): Box[] => useCanvas.getState().flow?.getNodes() ?? [];

export const rectOf = (box: Box): Rect & { id: string } => ({
  id: box.id,
  x: box.position.x,
  y: box.position.y,
  width: box.width ?? 0,
  height: box.height ?? 0,
});

/** Selected boxes, comments left out unless they are asked for. */
export function selected(comments = false): Box[] {
  const names = new Set(useComposer.getState().selection);
  return boxes().filter((box) => names.has(box.id) && (comments || !box.data.comment));
}

/** Names of the selected nodes, not of inputs or outputs. */
export const selectedNodes = (): string[] =>
  selected().flatMap((box) =>
    box.data.view && (box.data.view.role === "node" || box.data.view.role === "subgraph") ? [box.id] : [],
  );

/** Names of the selected nodes and inputs. */
export const selectedParts = (): string[] => selected().flatMap((box) => (box.data.view ? [box.id] : []));

/** Outputs that nothing is wired to and that were never placed: they make room by themselves. */
export const isIdle = ({ data }: Box): boolean =>
  data.output !== null && data.output.position === null && data.inputs.length < 2;

const hasPlace = (box: Box): boolean => (box.data.view ?? box.data.output)?.position != null;

/** Writes down where boxes stand that were placed automatically, so that the file opens as it is seen. */
export function writePlaces(): Operation[] {
  const scope = useComposer.getState().view;
  if (!scope) return [];
  const known = new Set([
    ...scope.nodes.filter((node) => node.position).map((node) => node.name),
    ...scope.outputs
      .filter((output) => output.position)
      .map((output) => (output.mode ? `outputs.${output.mode}` : "outputs")),
  ]);
  const positions: Record<string, [number, number]> = {};
  for (const box of boxes()) {
    if (box.data.comment || isIdle(box) || known.has(box.id) || hasPlace(box) || !isPlaced(box)) continue;
    positions[box.id] = [box.position.x, box.position.y];
  }
  return Object.keys(positions).length ? [{ op: "place", positions }] : [];
}

/** Operations that move boxes, comments too. */
export function moves(where: Map<string, [number, number]>): Operation[] {
  const positions: Record<string, [number, number]> = {};
  const operations: Operation[] = [];
  const byId = new Map(boxes().map((box) => [box.id, box]));
  for (const [id, [x, y]] of new Map([...displaced(), ...where])) {
    const comment = byId.get(id)?.data.comment;
    if (!comment) positions[id] = [Math.round(x), Math.round(y)];
    else {
      const [, , width, height] = comment.box;
      operations.push({
        op: "comment",
        id: comment.id,
        text: comment.text,
        colour: comment.colour as "yellow",
        box: [Math.round(x), Math.round(y), width, height],
      });
    }
  }
  for (const place of writePlaces())
    if (place.op === "place") Object.assign(positions, { ...place.positions, ...positions });
  if (Object.keys(positions).length) operations.unshift({ op: "place", positions });
  return operations;
}

/** Boxes that stand elsewhere than the document says: comments that were dragged have carried them. */
function displaced(): Map<string, [number, number]> {
  const found = new Map<string, [number, number]>();
  for (const { id, position, data } of boxes()) {
    const { x, y } = position;
    const place = data.comment?.box ?? (data.view ?? data.output)?.position;
    if (place && (Math.round(x) !== place[0] || Math.round(y) !== place[1])) found.set(id, [x, y]);
  }
  return found;
}

/** Move boxes as one step, and what lies on comments with these; the server draws again only where comments were moved. */
export async function move(goals: Map<string, [number, number]>, label = "move"): Promise<void> {
  const where = withCarried(goals, boxes());
  const operations = moves(where);
  if (!operations.length) return;
  show(where);
  const quiet = operations.every((operation) => operation.op === "place");
  await useComposer.getState().edit(operations, { label, quiet, select: useComposer.getState().selection });
}

/** Draw boxes where they go before the server knows it, so that keys that are held move on. */
function show(where: Map<string, [number, number]>): void {
  useCanvas.getState().flow?.setNodes((all) =>
    all.map((box) => {
      const place = where.get(box.id);
      return place ? { ...box, position: { x: place[0], y: place[1] } } : box;
    }),
  );
}

/** Bring the keyboard to a box, and the box into the view if it is outside. */
export function focusBox(id: string, centre = false): void {
  const { flow, root } = useCanvas.getState();
  const box = boxes().find((one) => one.id === id);
  if (!flow || !root || !box) return;
  const rect = rectOf(box);
  const area = root.getBoundingClientRect();
  const from = flow.flowToScreenPosition({ x: rect.x, y: rect.y });
  const to = flow.flowToScreenPosition({ x: rect.x + rect.width, y: rect.y + rect.height });
  const inside = from.x >= area.left && from.y >= area.top && to.x <= area.right && to.y <= area.bottom;
  if (centre || !inside) {
    void flow.setCenter(rect.x + rect.width / 2, rect.y + rect.height / 2, { zoom: Math.max(flow.getZoom(), 0.7) });
  }
  requestAnimationFrame(() => elementOf(id)?.focus({ preventScroll: true }));
}

export const elementOf = (id: string): HTMLElement | null =>
  useCanvas.getState().root?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`) ?? null;
