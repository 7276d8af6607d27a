import { expect, describe as group, it } from "vitest";
import { alternativeOf, bounds, converted, describe, type Field, fieldOf, fieldsOf, holds } from "./fields";

const integer = { type: "integer", minimum: 1 };
const pair = { type: "array", minItems: 2, maxItems: 2, prefixItems: [integer, integer] };
const union = (field: Field) => (field.kind === "union" ? field.options : []);

group("the field of a schema", () => {
  it.each([
    [{ type: "integer" }, "integer"],
    [{ type: "number", exclusiveMinimum: 0 }, "number"],
    [{ enum: [18, 34], type: "integer" }, "choice"],
    [{ const: true, type: "boolean" }, "choice"],
    [{ type: "boolean" }, "switch"],
    [{ type: "string" }, "text"],
    [{ type: "array", items: integer }, "list"],
    [pair, "tuple"],
    [{ type: "object", additionalProperties: true }, "mapping"],
    [{ anyOf: [integer, { type: "null" }] }, "union"],
    [{ type: ["integer", "null"] }, "union"],
    [{ anyOf: [integer] }, "integer"],
    [{ $ref: "#/$defs/Arch" }, "text"],
    [{}, "any"],
    [null, "any"],
  ])("of %j is %s", (schema, kind) => {
    expect(fieldOf(schema, { Arch: { type: "string" } }).kind).toBe(kind);
  });

  it("of a schema that refers to itself ends", () => {
    const loop = { anyOf: [{ $ref: "#/$defs/Loop" }, { type: "null" }] };
    expect(fieldOf(loop, { Loop: loop }).kind).toBe("union");
  });

  it("is found for each parameter of a component", () => {
    expect(Object.keys(fieldsOf({ properties: { depth: integer, name: { type: "string" } } }))).toEqual([
      "depth",
      "name",
    ]);
    expect(fieldsOf(undefined)).toEqual({});
  });
});

group("a field in words", () => {
  it.each([
    [integer, "integer", "at least 1"],
    [{ type: "integer", minimum: 1, maximum: 4 }, "integer", "1 to 4"],
    [{ type: "number", minimum: 0, exclusiveMaximum: 1 }, "number", "at least 0, below 1"],
    [{ type: "number", exclusiveMinimum: 0 }, "number", "above 0"],
    [pair, "2 integers", "at least 1"],
    [{ type: "array", items: { type: "number" } }, "list of numbers", ""],
    [{ anyOf: [integer, pair] }, "integer or 2 integers", ""],
  ])("%j is %s, %s", (schema, words, limits) => {
    expect([describe(fieldOf(schema)), bounds(fieldOf(schema))]).toEqual([words, limits]);
  });
});

group("the alternatives of a union", () => {
  const options = union(fieldOf({ anyOf: [integer, pair, { enum: ["same", "valid"] }, { type: "null" }] }));

  it.each([
    [7, 0],
    [[7, 7], 1],
    ["same", 2],
    [null, 3],
    [[1, 2, 3], 1],
    ["other", 2],
    [1.5, 0],
  ])("%j is alternative %i", (value, at) => {
    expect(alternativeOf(options, value)).toBe(at);
  });

  it("turn one into the other where the value says how", () => {
    const [one, two, choice, none] = options as [Field, Field, Field, Field];
    expect(converted(two, 7)).toEqual([7, 7]);
    expect(converted(one, [5, 7])).toBe(5);
    expect(converted(none, 7)).toBeNull();
    expect(converted(choice, 7)).toBe("same");
    expect(converted(one, null)).toBeUndefined();
    expect(converted(one, null, 3)).toBe(3);
  });

  it("hold what looks like them", () => {
    expect(holds(fieldOf({ type: "array", items: integer }), [1, 2])).toBe(true);
    expect(holds(fieldOf({ type: "array", items: integer }), [1, "a"])).toBe(false);
    expect(holds(fieldOf({ type: "boolean" }), 1)).toBe(false);
  });
});
