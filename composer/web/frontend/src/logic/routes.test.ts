import { expect, test } from "vitest";
import { overlap, type Rect } from "./geometry";
import { type Corner, longest, pathOf, type Run, routesOf } from "./routes";

const box = (id: string, x: number, y: number) => ({ id, x, y, width: 160, height: 80 });
const run = (source: Rect & { id: string }, target: Rect & { id: string }): Run => ({
  id: `${source.id}->${target.id}`,
  from: source.id,
  source: source.id,
  target: target.id,
  start: [source.x + source.width, source.y + 40],
  end: [target.x, target.y + 40],
});
const pieces = (route: Corner[]): Rect[] =>
  route.slice(1).map(([x, y], at) => {
    const [a, b] = route[at] as Corner;
    return { x: Math.min(a, x), y: Math.min(b, y), width: Math.abs(x - a), height: Math.abs(y - b) };
  });

test.each([
  ["next", 256, 40],
  ["near", 184, 0],
  ["near and lower", 184, 120],
])("a wire to a box that is %s is a plain curve", (_, x, y) => {
  const [a, b] = [box("a", 0, 0), box("b", x, y)];
  expect(routesOf([a, b], [run(a, b)]).size).toBe(0);
});

test.each([
  ["past a box in the way", box("a", 0, 0), box("b", 560, 0)],
  ["backwards along a row", box("a", 560, 0), box("b", 0, 0)],
  ["to the start of the next row", box("a", 560, 0), box("b", 0, 200)],
  ["to the start of the row after the next", box("a", 560, 0), box("b", 0, 400)],
  ["to a box above itself", box("a", 0, 400), box("b", 0, 0)],
  ["back to a box on the level of another", box("a", 560, 0), box("b", 0, 120)],
  ["into its own box", box("a", 0, 600), box("a", 0, 600)],
])("%s a wire goes around every box, level or upright", (_, a, b) => {
  const others = [box("x", 280, 0), box("y", 280, 200), box("z", 0, 200), box("w", 280, 400)].filter(
    (one) => one.x !== b.x || one.y !== b.y,
  );
  const boxes = a === b || a.id === b.id ? [a, ...others] : [a, b, ...others];
  const route = routesOf(boxes, [run(a, b)]).get(`${a.id}->${b.id}`) ?? [];
  expect(route[0]).toEqual([a.x + 160, a.y + 40]);
  expect(route.at(-1)).toEqual([b.x, b.y + 40]);
  for (const [at, piece] of pieces(route).entries()) {
    expect(piece.width === 0 || piece.height === 0).toBe(true);
    const [from, to] = [route[at] as Corner, route[at + 1] as Corner];
    const mine = (at === 0 || at === route.length - 2) && to[0] > from[0];
    const hit = boxes.filter((one) => overlap(piece, one) && !(mine && (one.id === a.id || one.id === b.id)));
    expect(hit).toEqual([]);
  }
});

test("the words on a wire to the next row have room below a box that is higher than others", () => {
  const [a, b] = [{ ...box("a", 560, 0), height: 96 }, box("b", 0, 200)];
  const route = routesOf([box("x", -200, 0), a, b], [run(a, b)]).get("a->b") ?? [];
  expect(longest(route)?.y).toBeGreaterThanOrEqual(96 + 16);
});

test("wires of different outputs do not lie on each other, those of one output may", () => {
  const sources = [box("a", 560, 0), box("b", 560, 100)];
  const targets = [box("c", 0, 0), box("d", 0, 100)];
  const boxes = [...sources, ...targets, box("x", 280, 0), box("y", 280, 100)];
  const found = routesOf(boxes, [
    run(sources[0] as Run["id"] & (typeof boxes)[0], targets[0] as (typeof boxes)[0]),
    run(sources[1] as (typeof boxes)[0], targets[1] as (typeof boxes)[0]),
  ] as Run[]);
  const levels = [...found.values()].map((route) => longest(route)?.y);
  expect(new Set(levels).size).toBe(2);
});

test("corners are rounded, and a wire that goes back says so", () => {
  const route: Corner[] = [
    [0, 0],
    [20, 0],
    [20, 60],
    [-200, 60],
    [-200, 100],
    [-180, 100],
  ];
  expect(pathOf(route)).toMatch(/^M0,0L10,0Q20,0 20,10L20,50Q20,60 10,60L/);
  expect(longest(route)).toEqual({ left: -200, right: 20, y: 60, backwards: true });
});

test("five thousand boxes in rows are routed at once", () => {
  const boxes = Array.from({ length: 5000 }, (_, at) => box(`n${at}`, (at % 60) * 256, Math.floor(at / 60) * 160));
  const found = routesOf(
    boxes,
    boxes.slice(1).map((one, at) => run(boxes[at] as (typeof boxes)[0], one)),
  );
  expect(found.size).toBe(83);
});
