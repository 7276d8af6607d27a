import { describe, expect, it } from "vitest";
import { node, port, view, wire } from "../views.test.data";
import {
  inputRows,
  outputBoxes,
  outputBoxRows,
  outputRows,
  type Row,
  sourceHandle,
  targetHandle,
  wiringOf,
} from "./rows";

const PYRAMID = port("out", { sequence: true, levels: ["B 64 8 8", "B 128 4 4"] });
const opened = () => true;
const shut = () => false;
const labels = (rows: Row[]) => rows.map((row) => row.label);

describe("the lines on the left of a node", () => {
  it("are its ports, of which the required ones without a wire are missing", () => {
    const rows = inputRows(node("b", [port("x"), port("y"), port("z", { optional: true })]), [
      wire("w", { port: "y" }),
    ]);
    expect(rows.map(({ label, wired, missing }) => [label, wired, missing])).toEqual([
      ["x", false, true],
      ["y", true, false],
      ["z", false, false],
    ]);
  });

  it("are one for each place of a port that takes many, and a free one", () => {
    const concat = node("b", [port("x", { variadic: true })]);
    const rows = inputRows(concat, [wire("w1", { at: 1 }), wire("w0", { at: 0 }), wire("same", { at: 1 })]);
    expect(rows.map(({ handle, label, free }) => [handle, label, free])).toEqual([
      ["b.x#0", "x[0]", false],
      ["b.x#1", "x[1]", false],
      ["b.x", "+ x", true],
    ]);
    expect(inputRows(concat, []).map((row) => row.missing)).toEqual([true]);
  });

  it("show a wire to a port that is not there", () => {
    expect(labels(inputRows(node("b", [port("x")]), [wire("w", { port: "gone" })]))).toEqual(["x", "gone"]);
  });
});

describe("the lines on the right of a node", () => {
  it("are the levels too where a sequence is opened, the last of which is also -1", () => {
    const backbone = node("a", [], [PYRAMID]);
    const wires = [wire("w", { index: -1 })];
    expect(labels(outputRows(backbone, wires, shut))).toEqual(["out"]);
    const rows = outputRows(backbone, wires, opened);
    expect(labels(rows)).toEqual(["out", "[0] B 64 8 8", "[1] B 128 4 4"]);
    expect(rows.map((row) => row.wired)).toEqual([true, false, true]);
  });

  it("are as many levels as are wired where their number is not known", () => {
    const backbone = node("a", [], [port("out", { sequence: true })]);
    expect(labels(outputRows(backbone, [wire("w", { index: 2 })], opened))).toEqual(["out", "[0]", "[1]", "[2]"]);
    expect(labels(outputRows(backbone, [wire("w", { index: -2 })], opened))).toEqual(["out", "[0]", "[1]"]);
  });

  it("are the shape of an input, or what is known of its size", () => {
    const image = node("image", [], [port("out", { size: "B 3 8 8" })], { role: "input", type: "Image" });
    expect(labels(outputRows({ ...image, shape: ["B", 3, 32, 32] }, [], shut))).toEqual(["B 3 32 32"]);
    expect(labels(outputRows(image, [], shut))).toEqual(["B 3 8 8"]);
    expect(labels(outputRows({ ...image, outputs: [port("out")] }, [], shut))).toEqual(["any size"]);
  });
});

describe("the boxes of outputs", () => {
  const boxes = (found: ReturnType<typeof view>) => outputBoxes(found).map((output) => output.mode);

  it("are there for every mode once there is a node, and none in an empty graph", () => {
    expect(boxes(view([]))).toEqual([]);
    expect(boxes(view([node("a")]))).toEqual(["tensor", "loss", "predict"]);
  });

  it("are one in a subgraph, even an empty one", () => {
    expect(boxes(view([], [], { path: ["encoder"] }))).toEqual([null]);
  });

  it("have a line for each output and a free one", () => {
    const rows = outputBoxRows({ mode: "loss", position: null, ports: [port("loss")] });
    expect(rows.map(({ handle, free }) => [handle, free])).toEqual([
      ["outputs.loss.loss", false],
      ["outputs.loss.+", true],
    ]);
  });
});

describe("the handles of a wire", () => {
  const rows = outputRows(node("a", [], [PYRAMID]), [], opened);

  it("are those of the level where the sequence is opened, else of the port", () => {
    expect(sourceHandle(wire("w", { index: -2 }), rows)).toBe("a.out[0]");
    expect(sourceHandle(wire("w", { index: -2 }), rows.slice(0, 1))).toBe("a.out");
    expect(sourceHandle(wire("w"), rows)).toBe("a.out");
  });

  it("are the input itself where it comes from one", () => {
    expect(sourceHandle(wire("w", { from_node: "image", from_port: null }), [])).toBe("image");
  });

  it("are those of its place in a port that takes many", () => {
    const many = inputRows(node("b", [port("x", { variadic: true })]), [wire("w", { at: 1 })]);
    expect(targetHandle(wire("w", { at: 1 }), many)).toBe("b.x#1");
    expect(targetHandle(wire("w"), inputRows(node("b", [port("x")]), []))).toBe("b.x");
  });
});

it("wires are found by both of their boxes, in their order", () => {
  const wires = [wire("one"), wire("two", { node: "c" }), wire("three")];
  const { into, from } = wiringOf(view([], wires));
  expect(into.get("b")?.map(({ id }) => id)).toEqual(["one", "three"]);
  expect(from.get("a")?.map(({ id }) => id)).toEqual(["one", "two", "three"]);
  expect(into.get("a")).toBeUndefined();
});
