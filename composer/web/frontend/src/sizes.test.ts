import { describe, expect, it } from "vitest";
import { limits, read, within } from "./sizes";

const USUAL = { palette: 228, side: 332, dock: 320 };

describe("sizes of the panels", () => {
  it.each([
    ['{"palette": 300}', { ...USUAL, palette: 300 }],
    ['{"palette": 3, "side": "wide", "dock": 400}', { ...USUAL, dock: 400 }],
    ["no JSON", USUAL],
    ["null", USUAL],
    [null, USUAL],
  ])("%j is remembered as far as it is one", (text, sizes) => {
    expect(read(text)).toEqual(sizes);
  });

  it.each([
    [1920, 1080, USUAL],
    [800, 600, { palette: 168, side: 272, dock: 320 }],
    [853, 480, { palette: 221, side: 325, dock: 256 }],
  ])("leave room for the canvas in %i x %i", (innerWidth, innerHeight, expected) => {
    const window = { innerWidth, innerHeight };
    const found = {
      palette: within("palette", USUAL, window),
      side: within("side", USUAL, window),
      dock: within("dock", USUAL, window),
    };
    expect(found).toEqual(expected);
    const [least, most] = limits("side", USUAL, window);
    expect(least).toBeLessThanOrEqual(most);
  });
});
