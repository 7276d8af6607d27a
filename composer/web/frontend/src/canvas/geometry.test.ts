import { expect, test } from "vitest";
import { aligned, freeSpot, nearest } from "./geometry";

const size = { width: 160, height: 80 };
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
