import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const CSS = readFileSync("src/theme.css", "utf8");

/** The colours of a theme by name; what the dark one does not change is that of the light one. */
function colours(selector: string): Record<string, string> {
  const block = CSS.slice(CSS.indexOf(`${selector} {`)).split("}")[0] ?? "";
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  );
}

const LIGHT = colours("\n.composer");
const THEMES = { light: LIGHT, dark: { ...LIGHT, ...colours(".dark .composer") } };

/** Relative luminance (WCAG 2.2, definitions). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ["c-ground", "c-surface", "c-raised"];
const TEXTS: [string, string[]][] = [
  ["c-text", [...GROUNDS, "c-hover", "c-field", "c-accent-soft", "c-error-soft", "c-warning-soft"]],
  ["c-soft", [...GROUNDS, "c-hover"]],
  ["c-accent", [...GROUNDS]],
  ["c-error", ["c-surface", "c-raised", "c-error-soft"]],
  ["c-warning", ["c-surface", "c-raised", "c-warning-soft"]],
  ["c-good", ["c-surface", "c-raised"]],
  ["c-on-accent", ["c-accent"]],
];

describe.each(Object.entries(THEMES))("%s", (_, theme) => {
  it.each(TEXTS.flatMap(([text, grounds]) => grounds.map((ground) => [text, ground])))(
    "%s can be read on %s (4.5, WCAG 2.2, 1.4.3)",
    (text, ground) => {
      expect(contrast(theme[text] ?? "", theme[ground] ?? "")).toBeGreaterThanOrEqual(4.5);
    },
  );

  it.each(Object.keys(theme).filter((name) => name.startsWith("port-")))(
    "%s can be seen on the canvas (3, WCAG 2.2, 1.4.11)",
    (port) => {
      expect(contrast(theme[port] ?? "", theme["c-ground"] ?? "")).toBeGreaterThanOrEqual(3);
    },
  );
});
