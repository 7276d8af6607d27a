import { describe, expect, it } from "vitest";
import { fieldOf } from "./fields";
import { readAs, readText, same, textOf } from "./values";

const FIELDS = {
  integer: fieldOf({ type: "integer" }),
  number: fieldOf({ type: "number" }),
  integers: fieldOf({ type: "array", items: { type: "integer" } }),
  pair: fieldOf({ type: "array", prefixItems: [{ type: "integer" }, { type: "integer" }] }),
  mapping: fieldOf({ type: "object" }),
  text: fieldOf({ type: "string" }),
  texts: fieldOf({ type: "array", items: { type: "string" } }),
  pairs: fieldOf({ type: "array", items: { type: "array", prefixItems: [{ type: "integer" }, { type: "integer" }] } }),
  any: fieldOf({}),
};

describe("a value is read from what was typed", () => {
  it.each([
    ["integer", " 12 ", 12],
    ["integer", "65_536", 65536],
    ["integer", "-3", -3],
    ["integer", "$depth", "$depth"],
    ["number", "1e-3", 0.001],
    ["number", ".5", 0.5],
    ["number", "-Inf", "-inf"],
    ["integers", "1, 2, 2, 2", [1, 2, 2, 2]],
    ["integers", "[1 2]", [1, 2]],
    ["integers", "", []],
    ["pair", "3, 4", [3, 4]],
    ["pair", "[3, 4]", [3, 4]],
    ["pair", "(3, 5)", [3, 5]],
    ["pair", " ( 3 , 5 , ) ", [3, 5]],
    ["pair", "3 5", [3, 5]],
    ["pair", "(3, $width)", [3, "$width"]],
    ["integers", "(1, 2, 2)", [1, 2, 2]],
    ["integers", "(3,)", [3]],
    ["integers", "()", []],
    [
      "pairs",
      "((1, 2), (3, 4))",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "pairs",
      "(1, 2), (3, 4)",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["pairs", "[[1, 2]]", [[1, 2]]],
    ["pairs", "()", []],
    ["texts", "cat, dog", ["cat", "dog"]],
    ["texts", "('cat', 'dog')", ["cat", "dog"]],
    ["texts", 'crane (bird), "cat, big", driver\'s seat', ["crane (bird)", "cat, big", "driver's seat"]],
    ["texts", "(bird)", ["(bird)"]],
    ["texts", "#1, 12, @home", ["#1", 12, "@home"]],
    ["any", "(1, (2, None), True)", [1, [2, null], true]],
    ["any", "(3)", 3],
    ["any", "None", null],
    ["mapping", "{size: (3, 5), bias: None}", { size: [3, 5], bias: null }],
    ["mapping", "{type: BN, requires_grad: true}", { type: "BN", requires_grad: true }],
    ["mapping", "type: BN\neps: 1e-5", { type: "BN", eps: 0.00001 }],
    ["mapping", '{"type": "BN"}', { type: "BN" }],
    ["mapping", "", {}],
    ["text", " as it is ", " as it is "],
  ] as const)("%s from %j", (field, text, value) => {
    expect(readText(FIELDS[field], text)).toEqual({ value });
  });

  it.each([
    ["integer", "twelve", "found 'twelve', expected an integer"],
    ["integer", "1.5", "found 1.5, expected an integer"],
    ["integer", "", "expected an integer"],
    ["integer", "9007199254740993", "this number is too large"],
    ["integer", "inf", "found 'inf', expected an integer"],
    ["number", "1e999", "found '1e999', expected a number"],
    ["integers", "1, x", "found 'x', expected an integer"],
    ["integers", "(1, x)", "found 'x', expected an integer"],
    ["pair", "3", "found '3', expected 2 integers"],
    ["pair", "3, 4, 5", "found '3, 4, 5', expected 2 integers"],
    ["pair", "(3, x)", "found '(3, x)', expected 2 integers"],
    ["pair", "(3, 5", "found '(3, 5', expected 2 integers"],
    ["pair", "", "found '', expected 2 integers"],
    ["pairs", "(1, 2, 3)", "found '(1, 2, 3)', expected list of values"],
    ["mapping", "[1]", "expected a mapping such as {type: BN}"],
    ["mapping", "{a: 1", "Flow map must end with a }, at character 6; expected a value as YAML writes it"],
  ] as const)("%s refuses %j", (field, text, reason) => {
    expect(readText(FIELDS[field], text)).toEqual({ reason });
  });
});

describe("a value of several forms", () => {
  const forms = [FIELDS.integer, FIELDS.pair, fieldOf({ type: "null" }), FIELDS.text];

  it.each([
    [0, "3", { value: 3 }],
    [0, "(3, 5)", { value: [3, 5] }],
    [0, "None", { value: null }],
    [1, "None", { value: null }],
    [3, "None", { value: "None" }],
    [1, "3", { reason: "found '3', expected 2 integers" }],
    [0, "three", { reason: "found 'three', expected an integer" }],
    [0, "(3, 5, 7)", { reason: "found '(3, 5, 7)', expected an integer" }],
  ])("form %i from %j is %j", (form, text, read) => {
    expect(readAs(forms[form] ?? FIELDS.any, forms, text)).toEqual(read);
  });
});

describe("a value as text", () => {
  it.each([
    ["integers", [1, 2], "1, 2"],
    ["pair", [3, 4], "3, 4"],
    ["mapping", { type: "BN" }, "{type: BN}"],
    ["integer", 0.001, "0.001"],
    ["integer", undefined, ""],
    ["text", "true", "true"],
  ] as const)("%s of %j", (field, value, text) => {
    expect(textOf(FIELDS[field], value)).toBe(text);
  });

  it("is the same where the values are", () => {
    expect(same({ a: [1, 2] }, { a: [1, 2] })).toBe(true);
    expect(same([1, 2], [1, "2"])).toBe(false);
    expect(same(null, undefined)).toBe(false);
  });
});
