import { expect, test } from "vitest";
import { node, port, view, wire } from "../views.test.data";
import { draw } from "./drawing";
import { isOutputs, type Place } from "./layout";
import { Places } from "./places";

const PYRAMID = port("out", { sequence: true, levels: ["B 64 8 8", "B 128 4 4"] });
const GRAPH = view(
  [node("a", [], [PYRAMID]), node("b", [port("x"), port("y", { optional: true })], [])],
  [wire("w", { index: -1, source: "a.out[-1]" })],
);
const EMPTY = { boxes: [], wires: [] };
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

test("what looks the same is the same object, so that it is not drawn again", () => {
  const first = draw(GRAPH, EMPTY, new Set());
  const changed = copy(GRAPH);
  const other = changed.nodes[0];
  if (other) other.params = { depth: 18 };
  const second = draw(changed, first, new Set());
  expect(second.boxes[0]).not.toBe(first.boxes[0]);
  expect(second.boxes[1]).toBe(first.boxes[1]);
  expect(second.wires[0]).toBe(first.wires[0]);
});

test("a wire from a level leaves the level's own handle where the sequence is open", () => {
  expect(draw(GRAPH, EMPTY, new Set()).wires[0]?.sourceHandle).toBe("a.out");
  expect(draw(GRAPH, EMPTY, new Set(["/a.out"])).wires[0]?.sourceHandle).toBe("a.out[1]");
});

test("a required port without a wire is missing, an optional one is not", () => {
  const [, target] = draw(view(GRAPH.nodes, []), EMPTY, new Set()).boxes;
  expect(target?.data.inputs.map((row) => row.missing)).toEqual([true, false]);
});

test("a port that takes many has a line for each wire and a free one", () => {
  const many = view(
    [node("a", [], [port("out")]), node("b", [port("x", { variadic: true })], [])],
    [wire("w0", { at: 0 }), wire("w1", { at: 1 })],
  );
  const drawing = draw(many, EMPTY, new Set());
  expect(drawing.boxes[1]?.data.inputs.map((row) => row.handle)).toEqual(["b.x#0", "b.x#1", "b.x"]);
  expect(drawing.wires.map((one) => one.targetHandle)).toEqual(["b.x#0", "b.x#1"]);
});

const sized = (id: string, place: Place | null = null) => ({ id, width: 100, height: 50, place, last: isOutputs(id) });
const link = (source: string, target: string) => ({ source, target, out_y: 20, in_y: 20 });

test("a box without a place keeps the one that it was given, and under a new name too", () => {
  const places = new Places();
  places.open(1, "");
  const [first, wires] = [[sized("a"), sized("b")], [link("a", "b")]];
  expect(places.known(first, wires).map((box) => box.place)).toEqual([null, null]);
  places.fill(
    first,
    wires,
    new Map([["a", [0, 0]] as const, ["b", [200, 0]] as const].map(([id, at]) => [id, [...at]])),
  );
  expect(places.known([sized("a"), sized("c")], [link("a", "c")])[1]?.place).toEqual([200, 0]);
});

test("outputs that nothing is wired to stay where they are until something comes to stand beside them", () => {
  const places = new Places();
  places.open(1, "");
  const idle = sized("outputs.loss");
  const first = places.fill([sized("a", [0, 0]), idle], [], new Map()).get(idle.id);
  expect(places.fill([sized("a", [0, 0]), sized("b", [160, 300]), idle], [], new Map()).get(idle.id)).toEqual(first);
  const [x, y] = places.fill([sized("a", [0, 0]), sized("b", [720, 0]), idle], [], new Map()).get(idle.id) ?? [0, 0];
  expect(x).toBeGreaterThan(820);
  expect(y).toBe(first?.[1]);
});
