import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** What a folder may import at run time. */
const ROOMS: Record<string, RegExp> = {
  logic: /^(\.\/\w+|yaml)$/, // no React, no store, nothing that is drawn
  ui: /^(\.\/\w+|\.\.\/(store|shortcuts|sizes|tasks|logic\/format)|react)$/,
};

const imports = (source: string): string[] =>
  [...source.matchAll(/^(?:import|export) (?!type\b)(?:[^"]*? from )?"([^"]+)";$/gm)].map(([, from]) => from ?? "");

describe.each(Object.entries(ROOMS))("src/%s", (room, allowed) => {
  const files = readdirSync(`src/${room}`).filter((name) => /\.tsx?$/.test(name) && !name.includes(".test."));

  it.each(files)("%s imports what it may", (name) => {
    const foreign = imports(readFileSync(`src/${room}/${name}`, "utf8")).filter((from) => !allowed.test(from));
    expect(foreign).toEqual([]);
  });
});

it("src/logic takes types from itself and from the payloads alone", () => {
  const files = readdirSync("src/logic").filter((name) => !name.includes(".test."));
  const types = files.flatMap((name) => [
    ...readFileSync(`src/logic/${name}`, "utf8").matchAll(/^import type [^"]*"([^"]+)";$/gm),
  ]);
  const foreign = types.map(([, from]) => from).filter((from) => !/^(\.\/\w+|\.\.\/payloads)$/.test(from ?? ""));
  expect(foreign).toEqual([]);
});
