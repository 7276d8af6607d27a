import type { Point } from "../logic/geometry";
import type { Operation } from "../logic/operations";
import { useComposer } from "../store";
import { boxes, moves } from "./boxes";
import { lyingOn } from "./commentDrag";
import { beginDrag, endDrag, letGo } from "./dragging";
import type { Box } from "./drawing";
import { askDrops, type Dropped, type Drops, overAt, under } from "./drops";
import { panAtEdges, panBy } from "./panning";
import { wireOf } from "./parts";
import { useCanvas } from "./state";
import { pointOf } from "./underneath";

/** Boxes that are dragged: where they stood, and what a node without wires would be put into. */
export class BoxDrag {
  private readonly stood = new Map<string, { x: number; y: number }>();
  private readonly loose: Dropped | null;
  private readonly panning: ReturnType<typeof panAtEdges>;
  private readonly asked: Promise<Drops> | null;
  private drops: Drops | null = null;
  private at: Point | null = null;
  private given = false;

  constructor(event: MouseEvent | TouchEvent, dragged: Box[]) {
    const carried = dragged.filter((box) => box.data.comment).flatMap((comment) => lyingOn(comment, boxes()));
    for (const box of [...carried, ...dragged]) this.stood.set(box.id, box.position);
    const [only, another] = dragged;
    this.loose = only && !another && isLoose(only) ? { node: only.id } : null;
    this.asked = this.loose && askDrops(this.loose);
    void this.asked?.then((drops) => {
      this.drops = drops;
    });
    this.panning = panAtEdges(pointOf(event), panBy, "touches" in event ? undefined : moveOn);
    beginDrag(() => this.giveUp());
  }

  move(event: MouseEvent | TouchEvent): void {
    const at = pointOf(event);
    this.at = at;
    this.panning.move(at);
    if (this.loose && this.drops) useCanvas.getState().set({ over: overAt(at, this.loose, this.drops) });
  }

  /** They are let go: where they stand is written, and a node without wires is put into the wire under it. */
  async stop(dragged: Box[]): Promise<void> {
    if (this.given) return;
    const below = this.loose && this.at ? under(this.at, this.loose) : undefined;
    endDrag();
    this.clear();
    const where = moved(dragged);
    const over = this.loose && this.asked && this.at ? overAt(this.at, this.loose, await this.asked, below) : null;
    const put = over?.kind === "wire" && !over.refused && this.loose ? into(over.id, this.loose) : null;
    if (over?.refused) useComposer.getState().notify("info", `${over.words}; it stands beside the wire.`);
    const operations = [...(where.size ? moves(where) : []), ...(put ? [put] : [])];
    if (!operations.length) return;
    const quiet = operations.every((operation) => operation.op === "place");
    const { edit, selection } = useComposer.getState();
    await edit(operations, { label: put ? "insert" : "move", quiet, select: selection });
  }

  private giveUp(): void {
    this.given = true;
    this.clear();
    letGo();
    putBack(this.stood);
    requestAnimationFrame(() => putBack(this.stood)); // what was under way when it was given up has been drawn by now
  }

  private clear(): void {
    this.panning.stop();
    useCanvas.getState().set({ over: null });
  }
}

/** The boxes follow a view that moves under a pointer that rests. */
function moveOn([clientX, clientY]: Point): void {
  window.dispatchEvent(new MouseEvent("mousemove", { view: window, bubbles: true, buttons: 1, clientX, clientY }));
}

const isLoose = ({ data }: Box): boolean =>
  (data.view?.role === "node" || data.view?.role === "subgraph") &&
  ![...data.inputs, ...data.outputs].some((row) => row.wired);

function into(id: string, loose: Dropped): Operation | null {
  const wire = useComposer.getState().view?.wires.find((one) => one.id === id);
  return wire && "node" in loose ? { op: "insert", ...wireOf(wire), node: loose.node } : null;
}

function putBack(stood: Map<string, { x: number; y: number }>): void {
  useCanvas.getState().flow?.setNodes((all) =>
    all.map((box) => {
      const position = stood.get(box.id);
      const there = !position || (box.position.x === position.x && box.position.y === position.y);
      return there && !box.dragging ? box : { ...box, position: position ?? box.position, dragging: false };
    }),
  );
}

/** Where boxes were dragged to, of those that stand elsewhere now. */
function moved(dragged: Box[]): Map<string, [number, number]> {
  const now = new Map(boxes().map((box) => [box.id, box]));
  const where = new Map<string, [number, number]>();
  for (const box of dragged) {
    const { x, y } = now.get(box.id)?.position ?? box.position;
    const before = box.data.comment?.box ?? (box.data.view ?? box.data.output)?.position;
    if (!before || before[0] !== x || before[1] !== y) where.set(box.id, [x, y]);
  }
  return where;
}
