import { describe, expect, it } from "vitest";
import { node } from "../views.test.data";
import { boxText, paramsLine, short } from "./boxText";

const OWN = { rule: "own", source: null, decay: null, update: null, end_decay: null } as const;
const badges = (part: Parameters<typeof node>[3]) =>
  boxText(node("a", [], [], part), 0).badges.map(({ words }) => words);

describe("the words on a box", () => {
  it("name it and its type, and inputs by what they are", () => {
    const part = { title: "a", type: "Part" };
    expect(boxText(node("a"), 0)).toMatchObject(part);
    expect(boxText(node("a", [], [], { role: "data_sample", type: "Label" }), 0).type).toBe("data sample, Label");
  });

  it("are said with wires and problems to those who do not see them", () => {
    expect(boxText(node("a", [], [], { problems: 2 }), 1).label).toBe("a, Part, 1 wire, 2 problems");
    expect(boxText(node("a", [], [], { bypassed: true }), 3).label).toBe("a, Part, bypassed, 3 wires");
  });

  it("have parameters where there are some", () => {
    expect(boxText(node("a", [], [], { parameters: 11_173_962 }), 0).numbers).toBe("11.2 M");
    expect(boxText(node("a", [], [], { parameters: 0 }), 0).numbers).toBe("");
  });

  it.each([
    [0, "0"],
    [999, "999"],
    [9_408, "9.41 k"],
    [999_499, "999 k"],
    [999_500, "1 M"],
    [4_089_184_256, "4.09 G"],
  ])("%i parameters are %s", (count, words) => expect(short(count)).toBe(words));
});

describe("the badges of a box", () => {
  it("say whose weights it has", () => {
    expect(badges({ weights: { ...OWN, rule: "share", source: "backbone" } })).toEqual(["shares backbone"]);
    expect(badges({ weights: { ...OWN, rule: "momentum", source: "backbone", decay: 0.99 } })).toEqual([
      "follows backbone",
    ]);
    expect(badges({ weights: OWN })).toEqual([]);
  });

  it("say all that is unusual about it", () => {
    expect(badges({ frozen: true, bypassed: true, state: "unwired" })).toEqual(["frozen", "bypassed", "not wired yet"]);
  });

  it("tell a type that nobody knows from one whose package is missing", () => {
    expect(badges({ state: "placeholder", kind: "unknown" })).toEqual(["unknown type"]);
    expect(badges({ state: "placeholder", kind: "backbones" })).toEqual(["not installed"]);
  });
});

describe("the line of parameters", () => {
  it("has three of them, or two and how many more", () => {
    expect(paramsLine({ depth: 18, norm: "BN" })).toBe("depth 18  norm BN");
    expect(paramsLine({ a: 1, b: 2, c: 3 })).toBe("a 1  b 2  c 3");
    expect(paramsLine({ a: 1, b: 2, c: 3, d: 4 })).toBe("a 1  b 2  +2");
    expect(paramsLine({})).toBe("");
  });

  it("cuts a long value", () => {
    expect(paramsLine({ layer: ["Conv2d", "Linear", "BatchNorm"] })).toBe('layer ["Conv2d","Linear…');
  });
});
