import { describe, expect, it } from "vitest";
import { at, lineStart, ranked, shownOf, sizes, spread } from "./values";

describe("values of a recipe", () => {
  const completed = { optimizer: { type: "AdamW", lr: 0.1 }, epochs: 20 };
  const usual = { optimizer: { type: "AdamW", lr: 0.001 }, epochs: 20 };

  it("are found by their keys", () => {
    expect(at(completed, ["optimizer", "lr"])).toBe(0.1);
    expect(at(completed, ["optimizer", "lr", "x"])).toBeUndefined();
    expect(at(null, ["epochs"])).toBeUndefined();
    expect(at({ augment: [1] }, ["augment", "0"])).toBeUndefined();
  });
  it("count as given where they are said and differ from what would be filled in", () => {
    const said = { optimizer: { type: "AdamW", lr: 0.1 } };
    expect(shownOf(["optimizer", "lr"], said, completed, usual)).toEqual({ value: 0.1, fallback: 0.001, given: true });
    expect(shownOf(["optimizer", "type"], said, completed, usual).given).toBe(false);
    expect(shownOf(["epochs"], said, completed, usual)).toEqual({ value: 20, fallback: 20, given: false });
  });
  it("count as given where nothing is known of graph and data", () => {
    expect(shownOf(["epochs"], { epochs: 3 }, null, null)).toEqual({ value: 3, fallback: undefined, given: true });
    expect(shownOf(["epochs"], {}, null, null).value).toBeUndefined();
  });
});

describe("words", () => {
  it("classes stand from the largest to the smallest", () => {
    const bars = ranked(["a", "b", "c"], [1, 5, 1]);
    expect(bars.map((bar) => bar.name)).toEqual(["b", "a", "c"]);
    expect(spread(bars)).toBe("1 to 5 each");
    expect(spread(ranked(["a", "b"], [1200, 1200]))).toBe("1,200 each");
    expect(spread([])).toBe("");
  });
  it("images have widths first", () => {
    expect(sizes([20, 30], [20, 30])).toBe("30 x 20 pixels");
    expect(sizes([20, 30], [40, 50])).toBe("30 x 20 to 50 x 40 pixels");
    expect(sizes(null, null)).toBe("");
  });
  it("lines have places", () => {
    expect([1, 2, 3, 9].map((line) => lineStart("a\nbc\nd", line))).toEqual([0, 2, 5, 6]);
  });
});
