import { type Alignment, aligned, type Direction, nearest } from "../logic/geometry";
import { useComposer } from "../store";
import { boxes, focusBox, isIdle, move, rectOf, selected } from "./boxes";
import { arranged, toPlace, wiresToPlace } from "./layout";
import { useCanvas } from "./state";

/** Lay out all boxes, or those that are selected where they stand. */
export async function layOut(): Promise<void> {
  const chosen = selected();
  const some = chosen.length > 1;
  const mine = (some ? chosen : boxes()).filter((box) => !box.data.comment && !isIdle(box));
  if (!mine.length) return;
  const wires = useCanvas.getState().flow?.getEdges() ?? [];
  const found = await arranged(
    mine.map((box) => toPlace(box, null)),
    wiresToPlace(mine, wires),
  );
  if (!found) return;
  const left = some ? Math.min(...mine.map((box) => box.position.x)) : 0;
  const top = some ? Math.min(...mine.map((box) => box.position.y)) : 0;
  await move(new Map([...found].map(([id, [x, y]]) => [id, [x + left, y + top]])), "automatic layout");
  if (!some) fit();
}

export async function align(how: Alignment): Promise<void> {
  const mine = selected(true);
  if (mine.length > 1)
    await move(aligned(mine.map(rectOf), how), how === "across" || how === "down" ? "distribute" : "align");
}

export function nudge(dx: number, dy: number): void {
  const mine = selected(true);
  const where = new Map(
    mine.map((box) => [box.id, [box.position.x + dx * 8, box.position.y + dy * 8] as [number, number]]),
  );
  if (where.size) void move(where);
}

/** Select and focus the nearest box in a direction; the first one where none is selected. */
export function go(direction: Direction): void {
  const all = boxes().map(rectOf);
  const here = selected(true).at(-1);
  const found = here
    ? nearest(
        rectOf(here),
        all.filter((box) => box.id !== here.id),
        direction,
      )
    : [...all].sort((a, b) => a.x + a.y - b.x - b.y)[0]?.id;
  if (!found) return;
  useComposer.getState().select([found]);
  focusBox(found);
}

/** What stays free around a graph that is shown whole, in pixels: the zoom bar is below. */
export const MARGIN = { side: 32, top: 32, bottom: 60 } as const;
export const FIT = { padding: { x: "32px", top: "32px", bottom: "60px" }, maxZoom: 1 } as const;
const SOFTLY = { ...FIT, duration: 150 } as const;

export const fit = (): void => void useCanvas.getState().flow?.fitView(SOFTLY);
export const fitSelection = (): void => {
  const nodes = selected(true).map(({ id }) => ({ id }));
  void useCanvas.getState().flow?.fitView(nodes.length ? { ...SOFTLY, nodes } : SOFTLY);
};
export const zoomIn = (): void => void useCanvas.getState().flow?.zoomIn();
export const zoomOut = (): void => void useCanvas.getState().flow?.zoomOut();
export const zoomReset = (): void => void useCanvas.getState().flow?.zoomTo(1);
