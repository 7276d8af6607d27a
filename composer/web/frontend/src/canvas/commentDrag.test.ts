import type { NodeChange } from "@xyflow/react";
import { describe, expect, it } from "vitest";
import { CommentDrag, lyingOn, withCarried } from "./commentDrag";
import type { Box } from "./drawing";

const box = (id: string, x: number, y: number, width = 100, height = 40): Box =>
  ({
    id,
    position: { x, y },
    width,
    height,
    data: { comment: id.startsWith("note") ? { id } : null },
  }) as unknown as Box;

const NOTE = box("note", 0, 0, 300, 200);
const ALL = [NOTE, box("in", 20, 40), box("edge", 240, 150), box("out", 320, 40), box("note inside", 40, 100, 80, 40)];
const dragged = (id: string, x: number, y: number, dragging = true): NodeChange<Box> => ({
  id,
  type: "position",
  position: { x, y },
  dragging,
});
const places = (changes: NodeChange<Box>[]) =>
  Object.fromEntries(changes.map((one) => (one.type === "position" ? [one.id, one.position] : ["", null])));

describe("comments carry what lies on them", () => {
  it("a box lies on a comment where its middle does", () => {
    expect(lyingOn(NOTE, ALL).map((one) => one.id)).toEqual(["in", "edge", "note inside"]);
    expect(lyingOn(box("note inside", 40, 100, 80, 40), ALL)).toEqual([]);
  });

  it("moves by keys take it along", () => {
    expect([...withCarried(new Map([["note", [8, 16]]]), ALL)]).toEqual([
      ["note", [8, 16]],
      ["in", [28, 56]],
      ["edge", [248, 166]],
      ["note inside", [48, 116]],
    ]);
    expect([...withCarried(new Map([["in", [8, 16]]]), ALL)]).toEqual([["in", [8, 16]]]);
  });

  it("a drag takes along what lay on it at its beginning, to where it ends", () => {
    const drag = new CommentDrag();
    const first = drag.with([dragged("note", 300, 0)], ALL);
    expect(places(first)).toMatchObject({ in: { x: 320, y: 40 }, edge: { x: 540, y: 150 } });
    const over = ALL.map((one) => (one.id === "note" ? box("note", 300, 0, 300, 200) : one));
    const last = drag.with([dragged("note", 600, 8, false)], over);
    expect(places(last)).toMatchObject({ in: { x: 620, y: 48 } });
    expect(places(last)).not.toHaveProperty("out");
    expect(places(drag.with([dragged("note", 0, 0, false)], over))).toEqual({ note: { x: 0, y: 0 } });
  });

  it("what is dragged by itself too is not moved twice", () => {
    const found = new CommentDrag().with([dragged("note", 8, 0), dragged("in", 28, 40)], ALL);
    expect(found.filter((one) => "id" in one && one.id === "in")).toHaveLength(1);
  });

  it("leaves all where it is when the comment is taken alone, or another box, or its edge", () => {
    const drag = new CommentDrag();
    drag.alone = true;
    expect(drag.with([dragged("note", 300, 0)], ALL)).toHaveLength(1);
    expect(new CommentDrag().with([dragged("in", 300, 0)], ALL)).toHaveLength(1);
    expect(new CommentDrag().with([{ id: "note", type: "position", position: { x: -8, y: 0 } }], ALL)).toHaveLength(1);
  });
});
