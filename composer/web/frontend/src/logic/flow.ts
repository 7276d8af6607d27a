/** Values as YAML writes them on one line: `{type: BN, eps: 1e-5}`, `[1, 2]`. Read by the core schema of YAML 1.2,
 * and as Python writes tuples and `None`. */
import { parseDocument, type ScalarTag } from "yaml";

export type Read = { value: unknown } | { reason: string };

const PLAIN = /^[\p{L}_$./][\p{L}\p{N}_ $./-]*$/u;

const NONE: ScalarTag = {
  tag: "tag:yaml.org,2002:null",
  default: true,
  test: /^None$/,
  resolve: () => null,
  identify: () => false,
};

const EXPECTED = "expected a value as YAML writes it";

class Unreadable extends Error {}

/** Read a value; `mapping` also takes `key: value` lines without braces. */
export function readFlow(text: string, mapping = false): Read {
  const trimmed = text.trim();
  if (!trimmed) return { reason: "it is empty, expected a value" };
  const braced = mapping && !/^[{[]/.test(trimmed) && trimmed.includes(":");
  try {
    const source = bracketed(braced ? `{${trimmed.split(/\n+/).join(", ")}}` : trimmed);
    const found = parseDocument(source, {
      customTags: (tags) => [NONE, ...tags],
      logLevel: "silent",
      prettyErrors: false,
      schema: "core",
    });
    const [wrong] = [...found.errors, ...found.warnings];
    if (wrong) return { reason: `${wrong.message}, at character ${wrong.pos[0] + 1}; ${EXPECTED}` };
    return { value: finite(found.toJS()) };
  } catch (error) {
    if (error instanceof Unreadable) return { reason: error.message };
    if (error instanceof RangeError) return { reason: "it is nested too deep" };
    throw error;
  }
}

/** A value without the numbers that a graph cannot hold. */
function finite(value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Unreadable(`${value} is no number that a graph may hold`);
  }
  if (typeof value === "object" && value !== null) Object.values(value).forEach(finite);
  return value;
}

const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/y;

/** A text with Python's tuples as lists: `(3, 5)`, `(3,)` and `()`; `(3)` is 3. */
function bracketed(text: string): string {
  let found = "";
  const open: { at: number; tuple: boolean; comma: boolean }[] = [];
  let before = ",";
  let spaced = false;
  for (let at = 0; at < text.length; at++) {
    QUOTED.lastIndex = at;
    const begins: boolean = "[{(,".includes(before) || (before === ":" && spaced);
    const mark: string = (begins && QUOTED.exec(text)?.[0]) || (text[at] ?? "");
    at += mark.length - 1;
    spaced = !mark.trim();
    if (!spaced) before = mark;
    const inside = open.at(-1);
    if (mark === "(" && (begins || inside?.tuple)) {
      open.push({ at: found.length, tuple: true, comma: false });
      found += "[";
    } else if (mark === ")" && inside?.tuple) {
      open.pop();
      const items = found.slice(inside.at + 1);
      found = inside.comma || !items.trim() ? `${found}]` : `${found.slice(0, inside.at)}${items}`;
    } else {
      if (mark === "[" || mark === "{") open.push({ at: found.length, tuple: false, comma: false });
      if ((mark === "]" || mark === "}") && inside && !inside.tuple) open.pop();
      if (mark === "," && inside) inside.comma = true;
      found += mark;
    }
  }
  if (open.some((one) => one.tuple)) throw new Unreadable(`the closing ) is missing; ${EXPECTED}`);
  return found;
}

/** Write a value as `readFlow` reads it. */
export function writeFlow(value: unknown): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return `[${value.map(writeFlow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${word(key, true)}: ${writeFlow(item)}`)
      .join(", ")}}`;
  }
  return typeof value === "string" ? word(value, false) : String(value);
}

function word(text: string, key: boolean): string {
  const plain = PLAIN.test(text) && text === text.trim() && (key || isText(text));
  return plain ? text : JSON.stringify(text);
}

/** Whether a text without quotes is read as itself. */
function isText(text: string): boolean {
  const read = readFlow(text);
  return "value" in read && read.value === text;
}
