import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** What a folder may import at run time; types may come from everywhere. */
const ROOMS: Record<string, RegExp> = {
  logic: /^(\.\/\w+|yaml)$/, // no React, no store, nothing that is drawn
  ui: /^(\.\/\w+|\.\.\/(store|shortcuts|sizes|keys|tasks|logic\/format)|react)$/,
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
