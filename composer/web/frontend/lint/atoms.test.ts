import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const drawn = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tsx"));

it.each([
  ["a button", /<button\b/, "ui/Button.tsx"],
  ["the look of a list to choose from", /\bcomposer-select\b/, "ui/Select.tsx"],
])("%s is written by its atom alone", (_, written, atom) => {
  expect(drawn.filter((name) => written.test(readFileSync(`src/${name}`, "utf8")))).toEqual([atom]);
});
