import { describe, expect, it } from "vitest";
import { ago, bytes, counted, magnitude } from "./format";

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
