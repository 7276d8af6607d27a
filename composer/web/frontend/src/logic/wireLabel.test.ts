import { expect, test } from "vitest";
import { wire } from "../views.test.data";
import { wireLabel } from "./wireLabel";

const LEVEL = wire("w", { modes: ["predict", "tensor"], index: -1, size: "B 64 8 8" });

test("a wire says its modes, its level and its size where there is room", () => {
  expect(wireLabel(LEVEL, 1000)).toEqual({ modes: "T P", level: "[-1]", size: "B 64 8 8" });
});

test("where there is less room it leaves out the level, then the modes, then the size", () => {
  expect(wireLabel(LEVEL, 90)).toEqual({ modes: "T P", level: "", size: "B 64 8 8" });
  expect(wireLabel(LEVEL, 60)).toEqual({ modes: "", level: "", size: "B 64 8 8" });
  expect(wireLabel(LEVEL, 30)).toEqual({ modes: "T P", level: "", size: "" });
  expect(wireLabel(LEVEL, 10)).toBeNull();
});

test("a wire of all modes whose size is not known says nothing", () => {
  expect(wireLabel(wire("w"), 1000)).toBeNull();
});
