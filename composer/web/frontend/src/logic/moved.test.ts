import { expect, test } from "vitest";
import { node, view } from "../views.test.data";
import { moved } from "./moved";

const GRAPH = view([node("a"), node("b")], [], { outputs: [{ mode: "loss", position: null, ports: [] }] });

test("boxes are where they were moved to, the later place counts, and the others are the same objects", () => {
  const found = moved(GRAPH, [
    { op: "place", positions: { a: [1, 2], "outputs.loss": [3, 4] } },
    { op: "place", positions: { a: [5, 6] } },
  ]);
  expect(found?.nodes[0]?.position).toEqual([5, 6]);
  expect(found?.nodes[1]).toBe(GRAPH.nodes[1]);
  expect(found?.outputs[0]?.position).toEqual([3, 4]);
});

test("the outputs of a subgraph are a box without a mode", () => {
  const inside = view([], [], { path: ["encoder"], outputs: [{ mode: null, position: null, ports: [] }] });
  expect(moved(inside, [{ op: "place", positions: { outputs: [1, 2] } }])?.outputs[0]?.position).toEqual([1, 2]);
});

test("a view in which nothing was moved is the same object", () => {
  expect(moved(GRAPH, [{ op: "remove-subgraph", name: "a" }])).toBe(GRAPH);
  expect(moved(null, [{ op: "place", positions: { a: [1, 2] } }])).toBeNull();
});
