import { describe, type Field, holds, isNumber } from "./fields";
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
      return isFlat(field.item) ? readList(field.item, trimmed) : readSequence(field, trimmed);
    case "tuple":
      return readSequence(field, trimmed);
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
  if (!Number.isFinite(value)) return { reason: `found '${short(text)}', expected ${article}` };
  if (kind === "integer" && !Number.isInteger(value)) return { reason: `found ${short(text)}, expected ${article}` };
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return { reason: "this number is too large" };
  return { value };
}

const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** `1, 2`, `[1, 2]`, `(1, 2)`; texts may hold spaces and brackets, and commas within quotes. */
function readList(item: Field, text: string): Read {
  const number = isNumber(item);
  const [, , square, round] = /^(\[(.*)\]|\((.*)\))$/s.exec(text) ?? [];
  const inside = square ?? (number || /[,"']/.test(round ?? "") ? round : undefined) ?? text;
  const parts = number ? inside.split(/[,\s]+/) : (inside.match(/\s*("(\\.|[^"\\])*"|'(''|[^'])*'|[^,]+)/g) ?? []);
  const found: unknown[] = [];
  for (const part of parts.map((one) => one.trim())) {
    if (!part) continue;
    const read = number ? readText(item, part) : readWord(item, part);
    if ("reason" in read) return read;
    found.push(read.value);
  }
  return { value: found };
}

/** An item that may be a text; a text that YAML reads as nothing or not at all (`#1`, `@home`) is taken as it stands. */
function readWord(item: Field, part: string): Read {
  const read = part.startsWith("(") ? { value: part } : readFlow(part);
  const isRead = "value" in read && read.value !== null && typeof read.value !== "object";
  return item.kind === "text" && !isRead && !/^["']/.test(part) ? { value: part } : read;
}

/** `(3, 5)`, `[3, 5]`, `3, 5`, `3 5`: so many values as are asked for, of their kinds. */
function readSequence(field: Field, text: string): Read {
  const ways = [text, `[${text}]`];
  if (!text.includes(",")) ways.push(`[${text.split(/\s+/).join(",")}]`);
  for (const way of ways) {
    const read = readFlow(way);
    if ("value" in read && fits(field, read.value)) return read;
  }
  return { reason: `found '${short(text)}', expected ${describe(field)}` };
}

/** Whether a value is a list of what a field asks for; a parameter of the subgraph may stand for each item. */
function fits(field: Field, value: unknown): boolean {
  if (typeof value === "string" && value.startsWith("$")) return true;
  if (field.kind === "union") return field.options.some((option) => fits(option, value));
  if (field.kind !== "list" && field.kind !== "tuple") return holds(field, value);
  if (!Array.isArray(value)) return false;
  if (field.kind === "list") return value.every((item) => fits(field.item, item));
  return value.length === field.items.length && field.items.every((item, at) => fits(item, value[at]));
}

/** The same for one form of several: what is plainly of another form (a tuple, `None`) becomes a value of that one. */
export function readAs(form: Field, forms: Field[], text: string): Read {
  const read = readText(form, text);
  if ("value" in read || !/^([[(]|(None|null|~|[Tt]rue|[Ff]alse)$)/.test(text.trim())) return read;
  for (const other of forms) {
    if (other === form || other.kind === "any" || other.kind === "text") continue;
    const found = readText(other, text);
    if ("value" in found && holds(other, found.value)) return found;
  }
  return read;
}

const isMapping = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

function expecting(read: Read, fits: (value: unknown) => boolean, what: string): Read {
  return "reason" in read || fits(read.value) ? read : { reason: `expected ${what}` };
}

/** Whether two values of a graph are the same. */
export const same = (one: unknown, other: unknown): boolean => writeFlow(one) === writeFlow(other);
