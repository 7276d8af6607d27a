import { expect, test } from "vitest";
import { sameGraph } from "./sameGraph";

const graph = { schema: 1, name: "a", nodes: { x: { type: "ReLU" } } };
const text = (part: object) => JSON.stringify({ ...graph, ...part });

test("a box that was moved leaves the graph what it was", () => {
  const moved = text({ metadata: { layout: { x: [5, 6] } } });
  expect(sameGraph(text({}), moved)).toBe(true);
  expect(sameGraph(moved, text({ metadata: { layout: { x: [7, 6] } } }))).toBe(true);
});

test("another node, name or order of nodes is another graph", () => {
  expect(sameGraph(text({}), text({ name: "b" }))).toBe(false);
  expect(sameGraph(text({}), text({ nodes: { x: { type: "GELU" } } }))).toBe(false);
  for (let at = 0; at < 9; at += 1) expect(sameGraph(text({ name: `${at}` }), text({ name: "no" }))).toBe(false);
});

test("what is no document is the same as itself alone", () => {
  expect(sameGraph("{", "{")).toBe(true);
  expect(sameGraph("{", "[")).toBe(false);
});
