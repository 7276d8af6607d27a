import { expect, test } from "vitest";
import { node, port } from "../views.test.data";
import { colourOfKind, kindColour, kindStyles } from "./kinds";

test("the colour of a kind is a CSS property whose name no folder can break, grey where it is not declared", () => {
  expect(colourOfKind("necks")).toBe("var(--kind-necks, var(--kind-other))");
  expect(colourOfKind("my necks;")).toBe("var(--kind-my_32necks_59, var(--kind-other))");
});

test("kinds are declared for light and dark grounds under the names that boxes use", () => {
  const styles = kindStyles([{ name: "my necks", title: "Necks", colour: "#111111", dark: "#eeeeee" }]);
  expect(styles).toBe(".composer{--kind-my_32necks:#111111;}.dark .composer{--kind-my_32necks:#eeeeee;}");
});

test("a box has the colour of its kind, an input that of what it gives, outputs their own", () => {
  expect(kindColour(node("a", [], [], { kind: "heads" }))).toBe(colourOfKind("heads"));
  expect(kindColour(node("x", [], [port("out", { colour: "image" })], { role: "input" }))).toBe("var(--port-image)");
  expect(kindColour(node("x", [], [port("out", { colour: "" })], { role: "data_sample" }))).toBe("var(--port-any)");
  expect(kindColour(node("s", [], [], { role: "subgraph" }))).toBe("var(--kind-subgraph)");
  expect(kindColour(null)).toBe("var(--kind-output)");
});
