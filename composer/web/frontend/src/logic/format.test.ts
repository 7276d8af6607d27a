import { describe, expect, it } from "vitest";
import { ago, bytes, counted, duration, fourDigits, magnitude, moment } from "./format";

describe("numbers as people read them", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1.00 K"],
    [9_408, "9.41 K"],
    [11_173_962, "11.2 M"],
    [999_950, "1.00 M"],
    [999_499, "999 K"],
    [4_089_184_256, "4.09 G"],
  ])("%i is %s", (count, text) => {
    expect(magnitude(count)).toBe(text);
  });

  it.each([
    [512, "512 B"],
    [2048, "2.00 KiB"],
    [401_408, "392 KiB"],
    [1_048_575, "1024 KiB"],
    [9_633_792, "9.19 MiB"],
    [3 * 1024 ** 3, "3.00 GiB"],
  ])("%i bytes are %s", (count, text) => {
    expect(bytes(count)).toBe(text);
  });

  it("one thing is one, several are many", () => {
    expect([counted(1, "problem"), counted(0, "problem"), counted(1200, "wire")]).toEqual([
      "1 problem",
      "0 problems",
      "1,200 wires",
    ]);
  });

  it("times are counted from now", () => {
    expect([ago(0, 30_000), ago(0, 300_000), ago(0, 7_200_000)]).toEqual(["just now", "5 minutes ago", "2 hours ago"]);
  });
});

describe("measured numbers", () => {
  it.each([
    [0, "0"],
    [0.91234, "0.9123"],
    [-12.5, "-12.5"],
    [0.000012, "1.20e-5"],
    [123_456, "1.23e+5"],
    [null, "NaN"],
    [undefined, "NaN"],
  ])("%s is %s", (value, words) => expect(fourDigits(value)).toBe(words));
});

describe("durations", () => {
  it.each([
    [0.2, "under 1 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [130, "2 min 10 s"],
    [600, "10 min"],
    [7_800, "2 h 10 min"],
    [7_229, "2 h"],
    [400_000, "4 d 15 h"],
  ])("%d seconds are %s", (seconds, words) => expect(duration(seconds)).toBe(words));
});

it("a moment is written as shortly as it is clear", () => {
  const at = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime() / 1000;
  const now = new Date(2026, 10, 28, 12, 0).getTime();
  expect(moment(at(2026, 10, 28, 9, 5), now)).toBe("09:05");
  expect(moment(at(2026, 10, 27, 23, 59), now)).toBe("27 Nov 23:59");
  expect(moment(at(2025, 0, 2, 3, 4), now)).toBe("2 Jan 2025");
});
