import { describe, type Field, isNumber } from "./fields";
import { type Read, readFlow, writeFlow } from "./flow";

/** A value as the text of a field. */
export function textOf(field: Field, value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "string") return field.kind === "any" || field.kind === "mapping" ? writeFlow(value) : value;
  if (Array.isArray(value) && isFlatList(field)) return value.map((item) => writeFlow(item)).join(", ");
  return writeFlow(value);
}

const isFlatList = (field: Field): boolean =>
  (field.kind === "list" && isFlat(field.item)) || (field.kind === "tuple" && field.items.every(isFlat));
const isFlat = (field: Field): boolean =>
  isNumber(field) || field.kind === "text" || field.kind === "choice" || field.kind === "switch";

/** What a person typed as a value of a field, or why it is none. Bounds are for the server to check. */
export function readText(field: Field, text: string): Read {
  const trimmed = text.trim();
  if (trimmed.startsWith("$") && field.kind !== "text") return { value: trimmed };
  switch (field.kind) {
    case "text":
      return { value: text };
    case "integer":
    case "number":
      return readNumber(field.kind, trimmed);
    case "list":
      return isFlat(field.item)
        ? readList(field.item, trimmed)
        : expecting(readFlow(trimmed), Array.isArray, describe(field));
    case "tuple":
      return expecting(readFlow(trimmed.startsWith("[") ? trimmed : `[${trimmed}]`), Array.isArray, describe(field));
    case "mapping":
      return expecting(readFlow(trimmed || "{}", true), isMapping, "a mapping such as {type: BN}");
    default:
      return readFlow(trimmed);
  }
}

function readNumber(kind: "integer" | "number", text: string): Read {
  const article = kind === "integer" ? "an integer" : "a number";
  if (!text) return { reason: `expected ${article}` };
  if (kind === "number" && /^[-+]?(inf|infinity|nan)$/i.test(text)) return { value: text.toLowerCase() };
  const value = Number(text.replaceAll(/(?<=\d)_(?=\d)/g, ""));
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  if (!Number.isFinite(value)) return { reason: `found '${shown}', expected ${article}` };
  if (kind === "integer" && !Number.isInteger(value)) return { reason: `found ${shown}, expected ${article}` };
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return { reason: "this number is too large" };
  return { value };
}

function readList(item: Field, text: string): Read {
  const inside = text.replace(/^\[/, "").replace(/\]$/, "").trim();
  const found: unknown[] = [];
  for (const part of inside ? inside.split(isNumber(item) ? /[,\s]+/ : /,/) : []) {
    if (!part.trim()) continue;
    const read = isNumber(item) ? readText(item, part) : readFlow(part);
    if ("reason" in read) return read;
    found.push(read.value);
  }
  return { value: found };
}

const isMapping = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

function expecting(read: Read, fits: (value: unknown) => boolean, what: string): Read {
  return "reason" in read || fits(read.value) ? read : { reason: `expected ${what}` };
}

/** Whether two values of a graph are the same. */
export const same = (one: unknown, other: unknown): boolean => writeFlow(one) === writeFlow(other);
