import { describe, expect, it } from "vitest";
import type { TrainNodesView, ValueRow } from "../payloads";
import {
  byNode,
  colourAt,
  differences,
  looksOfPass,
  looksOfTraining,
  number,
  position,
  share,
  sorted,
  together,
} from "./nodeValues";

const row = (part: Partial<ValueRow>): ValueRow => ({
  node: "conv",
  port: "out",
  level: null,
  shape: [2, 4],
  dtype: "float32",
  count: 8,
  low: -1,
  high: 1,
  mean: 0,
  std: 0.5,
  zeros: 0,
  nan: 0,
  infinite: 0,
  checksum: 1,
  histogram: null,
  offset: null,
  kept: [],
  ...part,
});

describe("numbers", () => {
  it("have four digits, and a power of ten where they are very large or small", () => {
    expect([0, 1.23456, -0.012345, 123456, 1e-5, null].map((one) => number(one))).toEqual([
      "0",
      "1.235",
      "−0.01235",
      "1.23e5",
      "1.00e−5",
      "–",
    ]);
  });
  it("say no share of all unless it is all", () => {
    expect([share(0, 8), share(1, 8), share(9999, 10000), share(8, 8)]).toEqual(["0", "12.5 %", ">99.9 %", "100 %"]);
  });
});

describe("levels of a sequence", () => {
  it("are one port with the mean and spread of all numbers together", () => {
    const one = row({ count: 3, mean: 2, std: Math.sqrt(2 / 3), low: 1, high: 3 });
    const other = row({ count: 2, mean: 10, std: 1, low: 9, high: 11, nan: 0 });
    const values = [1, 2, 3, 9, 11];
    const mean = values.reduce((sum, value) => sum + value) / 5;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 5);
    const found = together([one, other]);
    expect(found.mean).toBeCloseTo(mean);
    expect(found.std).toBeCloseTo(spread);
    expect([found.low, found.high, found.count]).toEqual([1, 11, 5]);
  });
  it("leave out what is no number, and count it", () => {
    const none = row({ count: 4, nan: 4, mean: null, std: null, low: null, high: null });
    expect(together([none])).toMatchObject({ mean: null, std: null, nan: 4, count: 4 });
    expect(together([none, row({ mean: 3 })]).mean).toBe(3);
  });
  it("stand together by node and port", () => {
    const nodes = byNode([row({ level: 0 }), row({ level: 1 }), row({ port: "other" }), row({ node: "sub.conv" })]);
    expect([...nodes.keys()]).toEqual(["conv", "sub.conv"]);
    expect(nodes.get("conv")?.map((port) => [port.port, port.rows.length])).toEqual([
      ["out", 2],
      ["other", 1],
    ]);
  });
});

describe("a scale", () => {
  it("is even on both sides of 0 where numbers have a sign", () => {
    expect([-4, 0, 4].map((value) => position(value, -1, 4, true))).toEqual([0, 0.5, 1]);
  });
  it("is logarithmic over many powers of ten, and straight over few", () => {
    expect(position(1, 0.01, 100, false)).toBeCloseTo(0.5);
    expect(position(2, 1, 3, false)).toBe(0.5);
    expect(position(7, 7, 7, false)).toBe(0.5);
  });
  it("ends in its colours, also for numbers outside", () => {
    expect(colourAt(-1, false)).toBe(colourAt(0, false));
    expect(colourAt(1, true)).toBe("rgb(196 90 19)");
  });
});

describe("what is at a node", () => {
  it("is its number, by port where it has several, and NaN before all", () => {
    const nodes = byNode([
      row({ node: "a", mean: 1 }),
      row({ node: "b", mean: -2 }),
      row({ node: "b", port: "scores", mean: 0.5 }),
      row({ node: "c", mean: 0.1, nan: 3, infinite: 1 }),
    ]);
    const looks = looksOfPass(nodes, null, "mean");
    expect([...looks.nodes].map(([name, look]) => [name, look.words, look.bad])).toEqual([
      ["a", "1", false],
      ["b", "out −2  scores 0.5", false],
      ["c", "NaN 3, inf 1", true],
    ]);
    expect([looks.low, looks.high, looks.bad]).toEqual([-2, 1, 1]);
    expect([...looksOfPass(nodes, null, null).nodes.keys()]).toEqual(["c"]);
  });
  it("is the change where two passes are there", () => {
    const [now, before] = [byNode([row({ mean: 3 })]), byNode([row({ mean: 1 })])];
    expect(looksOfPass(now, before, "mean-change").nodes.get("conv")?.words).toBe("2");
    expect(looksOfPass(now, null, "mean-change").nodes.size).toBe(0);
  });
  it("is a number of the training that is watched", () => {
    const node = { mean: 0.5, std: 1, weight: 2, gradient: 3, bad: 0, not_finite: [] };
    const view: TrainNodesView = {
      name: "run",
      step: 51,
      time: 0,
      outputs: true,
      first_bad: null,
      differs: "",
      nodes: { a: node, b: { ...node, gradient: null, not_finite: ["gradient"] } },
    };
    const looks = looksOfTraining(view, "gradient");
    expect([...looks.nodes].map(([name, look]) => [name, look.words])).toEqual([
      ["a", "3"],
      ["b", "gradient NaN"],
    ]);
  });
});

describe("two passes", () => {
  const before = byNode([row({ node: "a" }), row({ node: "b", checksum: 2 }), row({ node: "gone" })]);
  const now = byNode([
    row({ node: "a" }),
    row({ node: "b", checksum: 3, mean: 0.25 }),
    row({ node: "broken", nan: 1 }),
    row({ node: "c" }),
  ]);
  it("are distinguished to the bit, the largest difference first", () => {
    const found = differences(now, before);
    expect(found.map((one) => [one.node, one.size, one.changed])).toEqual([
      ["broken", Number.POSITIVE_INFINITY, true],
      ["c", Number.POSITIVE_INFINITY, true],
      ["gone", Number.POSITIVE_INFINITY, true],
      ["b", 0.5, true],
      ["a", 0, false],
    ]);
  });
  it("differ without end where one of them has NaN", () => {
    const [one] = differences(byNode([row({ nan: 1, checksum: 5 })]), byNode([row({})]));
    expect(one?.size).toBe(Number.POSITIVE_INFINITY);
  });
});

it("ports are sorted by a column, and those without a number come last", () => {
  const ports = [
    ...byNode([row({ node: "b", mean: 2 }), row({ node: "c", mean: null }), row({ node: "a", mean: 3 })]),
  ].flatMap(([, found]) => found);
  const names = (column: "mean" | "node" | "order", falling: boolean) =>
    sorted(ports, column, falling).map((port) => port.node);
  expect(names("mean", true)).toEqual(["a", "b", "c"]);
  expect(names("mean", false)).toEqual(["b", "a", "c"]);
  expect(names("node", false)).toEqual(["a", "b", "c"]);
  expect(names("order", true)).toEqual(["a", "c", "b"]);
});
