import { describe, expect, it } from "vitest";
import { charts, extent, have, joined, line, logTicks, nearest, smooth, ticks } from "./curves";

const part = (first: number, step: number[], mark = "0.1") => ({
  mark,
  first,
  step,
  mean: step.map((one) => one / 10),
  low: step,
  high: step,
  broken: step.map(() => 0),
  last: step.at(-1) ?? null,
});

describe("curves that grow", () => {
  it("take new points in place of the last one", () => {
    const begun = joined(undefined, part(0, [1, 2, 3]));
    expect(have({ loss: begun })).toEqual({ loss: { mark: "0.1", points: 3 } });
    expect(joined(begun, part(2, [4, 5])).step).toEqual([1, 2, 4, 5]);
  });

  it("begin anew where the server thinned or cut them", () => {
    const begun = joined(undefined, part(0, [1, 2, 3]));
    expect(joined(begun, part(0, [2], "0.2")).step).toEqual([2]);
  });
});

describe("smoothing", () => {
  it("keeps a constant as it is from the first value on", () => {
    expect(smooth([2, 2, 2], 0.9).map((value) => value?.toFixed(6))).toEqual(["2.000000", "2.000000", "2.000000"]);
  });

  it("leaves a gap where there is no number, and goes on after it", () => {
    expect(smooth([1, null, 1], 0.5)).toEqual([1, null, 1]);
  });
});

describe("scales", () => {
  it("have round numbers", () => {
    expect(ticks([0, 1], 4)).toEqual([0, 0.5, 1]);
    expect(ticks([3, 47], 4)).toEqual([20, 40]);
    expect(ticks([5, 5], 4)).toEqual([5]);
    expect(logTicks([0.002, 3])).toEqual([0.01, 0.1, 1]);
    expect(logTicks([1.2, 1.9]).length).toBeGreaterThan(1);
    expect(logTicks([1e-30, 1e30]).length).toBeLessThanOrEqual(6);
  });

  it("leave out what a logarithm does not have", () => {
    expect(extent([0, -1, 2, null, 3], true)).toEqual([2, 3]);
    expect(extent([null])).toBeNull();
  });
});

it("a line breaks off at what is no number", () => {
  expect(line([0, 1, 2, 3], [1, null, 2, 3])).toBe("M0.0 1.0M2.0 2.0L3.0 3.0");
});

it("the nearest step is found", () => {
  expect(nearest([], 3)).toBe(-1);
  expect(nearest([1, 5, 10], 4)).toBe(1);
  expect(nearest([1, 5, 10], 99)).toBe(2);
});

it("losses share a chart, and so does what is measured", () => {
  expect(charts(["loss", "lr", "rate", "accuracy", "val_loss"])).toEqual([
    { title: "Losses", names: ["loss", "val_loss"], small: false },
    { title: "Validation", names: ["accuracy"], small: false },
    { title: "Learning rate", names: ["lr"], small: true },
    { title: "Images a second", names: ["rate"], small: true },
  ]);
});
