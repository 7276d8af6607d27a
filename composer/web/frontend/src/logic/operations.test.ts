import { expect, test } from "vitest";
import { paramPath, removeValue, setValue } from "./operations";

test("a value is set, and taken out, at its path in the document", () => {
  expect(setValue(paramPath("head", "num_classes"), 3)).toEqual({
    op: "set",
    edits: [{ path: ["nodes", "head", "params", "num_classes"], set: 3 }],
  });
  expect(removeValue(["params", "width"])).toEqual({ op: "set", edits: [{ path: ["params", "width"], remove: true }] });
});

test("null is a value", () => {
  expect(setValue(["params", "width"], null).edits[0]).toEqual({ path: ["params", "width"], set: null });
});
