import { describe, expect, it } from "vitest";
import { readFlow, writeFlow } from "./flow";

describe("YAML on one line", () => {
  it.each([
    [{ type: "Kaiming", layer: ["Conv2d"] }, "{type: Kaiming, layer: [Conv2d]}"],
    [[1, 2.5, null, true, "no: yes"], '[1, 2.5, null, true, "no: yes"]'],
    [["12", "true", "", "null", "None"], '["12", "true", "", "null", "None"]'],
    [["(3, 5)", "a (b)"], '["(3, 5)", "a (b)"]'],
    [{ "a b": {} }, "{a b: {}}"],
  ])("%j is %s and back", (value, text) => {
    expect(writeFlow(value)).toBe(text);
    expect(readFlow(text)).toEqual({ value });
  });

  it.each([
    ["{a: {b: [1, {c: 'it''s'}]}}", { a: { b: [1, { c: "it's" }] } }],
    ["{a:, b: ~}", { a: null, b: null }],
    ["{a}", { a: null }],
    ["crane (bird)", "crane (bird)"],
    ["{a: '(1, 2)', b: (1, \"(\")}", { a: "(1, 2)", b: [1, "("] }],
    ["0x10", 16],
    ["http://x", "http://x"],
    ['{"__proto__": 1}', JSON.parse('{"__proto__": 1}')],
  ])("%s is read", (text, value) => {
    expect(readFlow(text)).toEqual({ value });
  });

  it.each(["{", "[1,", '"open', "{a: 1}}", "{a: 1, a: 2}", ".nan", "[".repeat(99), "(1", "(1, 2]", "@x"])(
    "%s is refused with a reason",
    (text) => {
      expect(readFlow(text)).toHaveProperty("reason");
    },
  );
});

it("a mapping may leave out its braces where nothing else is expected", () => {
  expect(readFlow("type: BN, eps: 1e-5", true)).toEqual({ value: { type: "BN", eps: 1e-5 } });
  expect(readFlow("type: BN, eps: 1e-5")).toHaveProperty("reason");
});

it("nothing is written where there is no value", () => expect(writeFlow(undefined)).toBe(""));
