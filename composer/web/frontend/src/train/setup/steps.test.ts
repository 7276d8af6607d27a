import { expect, test } from "vitest";
import { isPlain, moved, nameOf, paramsOf, stepOf, summary, withParam } from "./steps";

test("a step is its name, or one name with parameters", () => {
  expect([nameOf("flip"), nameOf({ flip: { p: 0.5 } })]).toEqual(["flip", "flip"]);
  expect([paramsOf("flip"), paramsOf({ flip: null }), paramsOf({ flip: { p: 1 } })]).toEqual([{}, {}, { p: 1 }]);
  expect([stepOf("flip", {}), stepOf("flip", { p: 1 })]).toEqual(["flip", { flip: { p: 1 } }]);
});

test("a parameter is set, changed in its place and taken out", () => {
  expect(withParam("flip", "p", 0.2)).toEqual({ flip: { p: 0.2 } });
  const both = { flip: { p: 0.2, direction: "both" } };
  expect(JSON.stringify(withParam(both, "p", 0.9))).toBe('{"flip":{"p":0.9,"direction":"both"}}');
  expect(withParam(both, "direction", undefined)).toEqual({ flip: { p: 0.2 } });
  expect(withParam({ flip: { p: 0.2 } }, "p", undefined)).toBe("flip");
});

test("a step moves within its list and never out of it", () => {
  const list = ["a", "b", "c"];
  expect(moved(list, 0, 2)).toEqual(["b", "c", "a"]);
  expect(moved(list, 2, 1)).toEqual(["a", "c", "b"]);
  expect(moved(list, 0, -1)).toBe(list);
  expect(moved(list, 2, 3)).toBe(list);
});

test("what differs from the defaults is written in short", () => {
  const step = { crop: { scale: [0.2, 1], p: 0.5, size: null } };
  expect(summary(step, { scale: [0.08, 1], p: 0.5, size: null })).toBe("scale 0.2, 1");
  expect(summary("crop", {})).toBe("");
});

test("rows show a list of known steps, and nothing else", () => {
  const known = { flip: 1 };
  expect(isPlain(["flip", { flip: { p: 1 } }, { flip: null }], known)).toBe(true);
  for (const odd of [["crop"], [{ flip: 3 }], [{ flip: {}, crop: {} }], [[]], [null], "flip", null]) {
    expect(isPlain(odd, known)).toBe(false);
  }
});
