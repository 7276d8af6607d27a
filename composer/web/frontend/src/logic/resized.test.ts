import { describe, expect, it } from "vitest";
import { resized, Seen } from "./resized";

const WIDE = { width: 720, height: 676 };
const LOW = { width: 720, height: 356 };
const view = { x: 0, y: 0, zoom: 1 };

describe("what a canvas shows at another size", () => {
  it("keeps the middle where nothing was seen whole", () => {
    expect(resized(view, WIDE, LOW, [{ x: -50, y: 0, width: 4000, height: 80 }])).toEqual({ x: 0, y: -160, zoom: 1 });
  });

  it("keeps the middle where all is still seen", () => {
    const all = { x: 100, y: 300, width: 400, height: 80 };
    expect(resized(view, WIDE, LOW, [all])).toEqual({ x: 0, y: -160, zoom: 1 });
  });

  it("moves just as far as is needed to show what was seen whole", () => {
    const all = { x: 100, y: 40, width: 400, height: 80 };
    expect(resized(view, WIDE, LOW, [all])).toEqual({ x: 0, y: -24, zoom: 1 });
  });

  it("shows it smaller where there is no room for it", () => {
    const found = resized(view, WIDE, LOW, [{ x: 40, y: 20, width: 640, height: 648 }]);
    expect(found.zoom).toBeCloseTo(0.5);
    expect(found.y + 20 * found.zoom).toBeGreaterThanOrEqual(15.9);
    expect(found.y + 668 * found.zoom).toBeLessThanOrEqual(340.1);
  });

  it("keeps the selected box in sight where all never was", () => {
    const all = { x: -900, y: 0, width: 4000, height: 80 };
    expect(resized(view, WIDE, LOW, [all, { x: 10, y: 580, width: 200, height: 80 }])).toEqual({
      x: 6,
      y: -320,
      zoom: 1,
    });
  });

  it("is what a person left again at the size before, until it is moved", () => {
    const all = [{ x: 40, y: 20, width: 640, height: 648 }];
    const seen = new Seen();
    expect(seen.resized(view, WIDE, all)).toEqual(view);
    const low = seen.resized(view, LOW, all);
    expect(low.zoom).toBeCloseTo(0.5);
    expect(seen.resized(low, WIDE, all)).toEqual(view);
    const moved = { ...seen.resized(view, LOW, all), x: 300 };
    expect(seen.resized(moved, WIDE, all).zoom).toBeCloseTo(0.5);
  });
});
