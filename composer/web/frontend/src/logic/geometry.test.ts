import { describe, expect, it, test } from "vitest";
import { aligned, freeSpot, nearest, pushed, type Rect, type Wishes } from "./geometry";

const size = { width: 160, height: 80 };
describe("a free spot", () => {
  const wish = { x: 8, y: 8, ...size };
  it.each<[string, Rect[], Wishes, [number, number]]>([
    ["is the wished one where nothing is there", [], {}, [8, 8]],
    ["is below, as near as above", [{ x: 0, y: 8, ...size }], {}, [8, 104]],
    ["is above where there is less way to go", [{ x: 0, y: 60, ...size }], {}, [8, -40]],
    ["is beside where that is nearer", [{ x: -140, y: 0, ...size }], {}, [40, 8]],
    [
      "is in sight before all others",
      [{ x: 0, y: 8, ...size }],
      { seen: { x: -400, y: 0, width: 600, height: 100 } },
      [-176, 8],
    ],
    ["goes no further to the right", [{ x: -140, y: 0, ...size }], { leftwards: true }, [8, 96]],
  ])("%s", (_, taken, wishes, [x, y]) => {
    expect(freeSpot(wish, taken, wishes)).toEqual({ x, y });
  });
});

describe("what others have grown into", () => {
  const box = (id: string, x: number, y: number, height = 80, width = 160) => ({ id, x, y, width, height });
  const below = [box("a", 0, 0), box("b", 0, 100), box("c", 0, 200), box("far", 600, 100)];
  it.each<[string, ReturnType<typeof box>[], ReturnType<typeof box>[], [string, [number, number]][]]>([
    ["stays where there is room", below, [box("a", 0, 0, 90), ...below.slice(1)], []],
    [
      "goes down, and what is behind it too",
      below,
      [box("a", 0, 0, 120), ...below.slice(1)],
      [
        ["b", [0, 144]],
        ["c", [0, 248]],
      ],
    ],
    [
      "goes to the right",
      [box("a", 0, 0), box("b", 170, 0)],
      [box("a", 0, 0, 80, 200), box("b", 170, 0)],
      [["b", [224, 0]]],
    ],
    [
      "stays where it was reached before",
      [box("a", 0, 0), box("b", 0, 60)],
      [box("a", 0, 0, 120), box("b", 0, 60)],
      [],
    ],
    ["is no box that is new", [box("a", 0, 0)], [box("a", 0, 0, 120), box("b", 0, 100)], []],
  ])("%s", (_, before, after, moved) => {
    expect([...pushed(before, after)]).toEqual(moved);
  });
});

test("arrows go to what lies ahead", () => {
  const at = (id: string, x: number, y: number) => ({ id, x, y, ...size });
  const others = [at("right", 300, 10), at("far", 700, 0), at("below", 20, 200)];
  expect(nearest(at("here", 0, 0), others, "right")).toBe("right");
  expect(nearest(at("here", 0, 0), others, "down")).toBe("below");
  expect(nearest(at("here", 0, 0), others, "left")).toBeNull();
});

test("boxes are aligned and spread", () => {
  const at = (id: string, x: number, y: number) => ({ id, x, y, ...size });
  const boxes = [at("a", 0, 0), at("b", 170, 40), at("c", 600, 10)];
  expect([...aligned(boxes, "top").values()].map(([, y]) => y)).toEqual([0, 0, 0]);
  expect(aligned(boxes, "right").get("a")).toEqual([600, 0]);
  expect(aligned(boxes, "across").get("b")).toEqual([300, 40]);
});
