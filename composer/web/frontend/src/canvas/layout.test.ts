import { expect, test } from "vitest";
import { aligned, freeSpot, nearest, overlap } from "./geometry";
import { layOutAll, placeUnplaced, type Sized } from "./layout";

const size = { width: 160, height: 80 };
const box = (id: string, position: { x: number; y: number } | null = null): Sized => ({ id, ...size, position });
const CHAIN = [
  { source: "a", target: "b" },
  { source: "b", target: "c" },
];

test("a chain is laid out from left to right", () => {
  const found = layOutAll([box("c"), box("a"), box("b")], CHAIN);
  const x = ["a", "b", "c"].map((id) => found.get(id)?.[0] ?? Number.NaN);
  expect(x[0]).toBeLessThan(x[1] ?? 0);
  expect(x[1]).toBeLessThan(x[2] ?? 0);
});

test("boxes that have a place keep it, and the others stand beside them without touching", () => {
  const placed = [box("a", { x: 0, y: 0 }), box("c", { x: 272, y: 0 })];
  const found = placeUnplaced([...placed, box("b")], CHAIN);
  expect([...found.keys()]).toEqual(["b"]);
  const [x, y] = found.get("b") ?? [0, 0];
  for (const one of placed)
    expect(overlap({ x, y, ...size }, { ...size, ...(one.position ?? { x: 0, y: 0 }) })).toBe(false);
});

test("two hundred boxes without a place never overlap", () => {
  const boxes = Array.from({ length: 200 }, (_, at) => box(`n${at}`));
  const links = boxes.slice(1).map(({ id }, at) => ({ source: `n${Math.floor(at / 3)}`, target: id }));
  const rects = [...layOutAll(boxes, links).values()].map(([x, y]) => ({ x, y, ...size }));
  expect(rects.some((one, at) => rects.slice(at + 1).some((other) => overlap(one, other)))).toBe(false);
});

test("a free spot is the wished one where nothing is there", () => {
  expect(freeSpot({ x: 8, y: 8, ...size }, [])).toEqual({ x: 8, y: 8 });
  expect(freeSpot({ x: 8, y: 8, ...size }, [{ x: 0, y: 0, ...size }]).y).toBeGreaterThan(80);
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
