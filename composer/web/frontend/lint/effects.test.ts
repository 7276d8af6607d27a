import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

const REFUSED = [
  "useEffect(() => document.body.scrollIntoView(), []);",
  "useEffect(() => document.body?.scrollIntoView());",
  "React.useLayoutEffect(() => document.body.scrollIntoView(), []);",
  "useEffect(() => { return document.body.scrollIntoView(); }, []);",
  "useEffect(function () { return document.body.scrollIntoView(); }, []);",
  "useInsertionEffect(() => { if (window) return document.body.scrollIntoView(); }, []);",
  "void (<i ref={(element) => element?.scrollIntoView()} />);",
];
const TAKEN = [
  "useEffect(() => { document.body.scrollIntoView(); }, []);",
  "useEffect(() => void document.body.scrollIntoView(), []);",
  "useEffect(() => () => document.body.scrollIntoView(), []);",
  "useEffect(() => { const stop = () => { return window.stop(); }; return stop; }, []);",
  "void (<i ref={(element) => { element?.scrollIntoView(); }} />);",
];

/** The lines that `biome lint` refuses by the rule of effects. */
function refused(lines: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "effects-"));
  writeFileSync(join(folder, "biome.json"), JSON.stringify({ plugins: [resolve("lint/effects.grit")] }));
  writeFileSync(join(folder, "lines.tsx"), lines.join("\n"));
  const biome = [resolve("node_modules/@biomejs/biome/bin/biome"), "lint", "--only=plugin", "--reporter=github", "."];
  const { stdout } = spawnSync(process.execPath, biome, { cwd: folder, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  const found = stdout.split("\n").filter((line) => line.includes("called as its clean-up"));
  return found.map((line) => lines[Number(/\bline=(\d+)/.exec(line)?.[1]) - 1] ?? line);
}

it("an effect gives back its clean-up or nothing, never what a browser function gives", () => {
  expect(refused([...TAKEN, ...REFUSED])).toEqual(REFUSED);
});
