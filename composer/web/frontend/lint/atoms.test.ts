import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const drawn = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tsx"));

it.each([
  ["composer-button", ["ui/Button.tsx"]],
  ["composer-select", ["ui/Select.tsx"]],
])("the look %s is written by its atom alone", (look, atoms) => {
  const written = new RegExp(`["\`]${look}["\` ]`);
  expect(drawn.filter((name) => written.test(readFileSync(`src/${name}`, "utf8"))).sort()).toEqual([...atoms].sort());
});
