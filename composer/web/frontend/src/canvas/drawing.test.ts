import { expect, test } from "vitest";
import type { GraphView, NodeView, PortView, WireView } from "../payloads";
import { draw } from "./drawing";
import { Places } from "./places";

const port = (name: string, part: Partial<PortView> = {}): PortView => ({
  name,
  type: "FeatureMap",
  axes: null,
  optional: false,
  variadic: false,
  sequence: false,
  colour: "feature",
  size: null,
  levels: null,
  ...part,
});
const node = (name: string, inputs: PortView[], outputs: PortView[]): NodeView => ({
  name,
  role: "node",
  type: "Part",
  kind: "layers",
  position: [0, 0],
  inputs,
  outputs,
  params: {},
  taken: {},
  inherited: null,
  shape: null,
  preprocess: null,
  weights: { rule: "own", source: null, decay: null, update: null, end_decay: null },
  frozen: false,
  parameters: null,
  trainable: null,
  flops: null,
  activation: null,
  modes: [],
  state: "ok",
  problems: 0,
  bypassed: false,
});
const wire = (id: string, part: Partial<WireView>): WireView => ({
  id,
  source: "a.out",
  from_node: "a",
  from_port: "out",
  index: null,
  node: "b",
  port: "x",
  at: null,
  modes: null,
  runs: [],
  size: null,
  colour: "feature",
  problem: null,
  ...part,
});
const view = (nodes: NodeView[], wires: WireView[]): GraphView =>
  ({ path: [], scope: null, nodes, wires, outputs: [], comments: [] }) as unknown as GraphView;

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

test("a box without a place keeps the one that it was given, and under a new name too", () => {
  const places = new Places();
  places.open(1, "");
  const box = (id: string) => ({ id, width: 100, height: 50, position: null });
  const first = places.fill([box("a"), box("b")], [{ source: "a", target: "b" }]).get("b");
  expect(places.fill([box("a"), box("c")], [{ source: "a", target: "c" }]).get("c")).toEqual(first);
});
