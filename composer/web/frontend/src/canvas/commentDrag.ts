import type { NodeChange } from "@xyflow/react";
import type { Box } from "./drawing";

type Place = { x: number; y: number };

const middleOf = ({ position: { x, y }, width = 0, height = 0 }: Box): Place => ({
  x: x + width / 2,
  y: y + height / 2,
});

/** Boxes that lie on a comment: their middle does. Smaller comments too. */
export function lyingOn(comment: Box, boxes: Box[]): Box[] {
  const { x, y } = comment.position;
  const { width = 0, height = 0 } = comment;
  return boxes.filter((box) => {
    const middle = middleOf(box);
    const inside = middle.x >= x && middle.x <= x + width && middle.y >= y && middle.y <= y + height;
    return inside && box.id !== comment.id && !(box.data.comment && (box.width ?? 0) >= width);
  });
}

/** Where boxes go, and with them what lies on the comments among them. */
export function withCarried(where: Map<string, [number, number]>, boxes: Box[]): Map<string, [number, number]> {
  const all = new Map(where);
  for (const comment of boxes.filter((box) => box.data.comment)) {
    const goal = where.get(comment.id);
    if (!goal) continue;
    const [dx, dy] = [goal[0] - comment.position.x, goal[1] - comment.position.y];
    for (const { id, position } of dx || dy ? lyingOn(comment, boxes) : []) {
      if (!all.has(id)) all.set(id, [position.x + dx, position.y + dy]);
    }
  }
  return all;
}

/** While comments are dragged: what lay on them when they were taken goes with them. */
export class CommentDrag {
  /** The comments are taken alone (Alt). */
  alone = false;
  private readonly taken = new Map<string, { from: Place; on: Map<string, Place> }>();

  /** Changes of React Flow, with those of the boxes that are carried. */
  with(changes: NodeChange<Box>[], boxes: Box[]): NodeChange<Box>[] {
    const own = new Set(changes.map((change) => ("id" in change ? change.id : "")));
    const carried: NodeChange<Box>[] = [];
    const put = (id: string, position: Place, dragging: boolean) => {
      if (!own.has(id)) carried.push({ id, type: "position", position, dragging });
    };
    for (const change of changes) {
      if (change.type === "position" && change.dragging) this.take(change.id, boxes);
      const load = "id" in change && this.taken.get(change.id);
      if (!load) continue;
      if (change.type === "position" && change.position) {
        const { x, y } = change.position;
        for (const [id, at] of load.on)
          put(id, { x: at.x + x - load.from.x, y: at.y + y - load.from.y }, change.dragging === true);
      }
      if (change.type === "position" && !change.dragging) this.taken.delete(change.id);
    }
    return carried.length ? [...changes, ...carried] : changes;
  }

  private take(id: string, boxes: Box[]): void {
    const comment = boxes.find((box) => box.id === id);
    if (!comment?.data.comment || this.taken.has(id)) return;
    const on = this.alone ? [] : lyingOn(comment, boxes);
    this.taken.set(id, { from: comment.position, on: new Map(on.map((box) => [box.id, box.position])) });
  }
}
