/** What a parameter's JSON schema asks for, as the form draws it. */
export type Field =
  | { kind: "integer" | "number"; least?: number; most?: number; above?: number; below?: number }
  | { kind: "choice"; options: Scalar[] }
  | { kind: "switch" }
  | { kind: "text" }
  | { kind: "none" }
  | { kind: "list"; item: Field; least: number; most: number | null }
  | { kind: "tuple"; items: Field[] }
  | { kind: "mapping" }
  | { kind: "union"; options: Field[] }
  | { kind: "any" };

export type Scalar = string | number | boolean | null;

type Schema = Record<string, unknown>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const numberIn = (schema: Schema, key: string): number | undefined => {
  const value = schema[key];
  return typeof value === "number" ? value : undefined;
};

/** The schemas of a component's parameters, by name. */
export function fieldsOf(schema: unknown): Record<string, Field> {
  if (!isSchema(schema) || !isSchema(schema.properties)) return {};
  const definitions = isSchema(schema.$defs) ? schema.$defs : {};
  return Object.fromEntries(
    Object.entries(schema.properties).map(([name, property]) => [name, fieldOf(property, definitions)]),
  );
}

/** The field that a JSON schema asks for; what is not known is text in the notation of YAML. */
export function fieldOf(schema: unknown, definitions: Schema = {}, depth = 0): Field {
  if (!isSchema(schema) || depth > 8) return { kind: "any" };
  if (typeof schema.$ref === "string") {
    return fieldOf(definitions[schema.$ref.split("/").at(-1) ?? ""], definitions, depth + 1);
  }
  if ("const" in schema) return { kind: "choice", options: [schema.const as Scalar] };
  if (Array.isArray(schema.enum)) return { kind: "choice", options: schema.enum as Scalar[] };
  const parts = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(parts)) return union(parts.map((part) => fieldOf(part, definitions, depth + 1)));
  if (Array.isArray(schema.type)) {
    return union(schema.type.map((type) => fieldOf({ ...schema, type }, definitions, depth + 1)));
  }
  return plain(schema, definitions, depth);
}

function plain(schema: Schema, definitions: Schema, depth: number): Field {
  switch (schema.type) {
    case "integer":
    case "number":
      return {
        kind: schema.type,
        least: numberIn(schema, "minimum"),
        most: numberIn(schema, "maximum"),
        above: numberIn(schema, "exclusiveMinimum"),
        below: numberIn(schema, "exclusiveMaximum"),
      };
    case "boolean":
      return { kind: "switch" };
    case "string":
      return { kind: "text" };
    case "null":
      return { kind: "none" };
    case "object":
      return { kind: "mapping" };
    case "array":
      if (Array.isArray(schema.prefixItems)) {
        return { kind: "tuple", items: schema.prefixItems.map((item) => fieldOf(item, definitions, depth + 1)) };
      }
      return {
        kind: "list",
        item: fieldOf(schema.items, definitions, depth + 1),
        least: numberIn(schema, "minItems") ?? 0,
        most: numberIn(schema, "maxItems") ?? null,
      };
    default:
      return { kind: "any" };
  }
}

function union(options: Field[]): Field {
  const flat = options.flatMap((option) => (option.kind === "union" ? option.options : [option]));
  return flat.length === 1 && flat[0] ? flat[0] : { kind: "union", options: flat };
}

export const isNumber = (field: Field): field is Field & { kind: "integer" | "number" } =>
  field.kind === "integer" || field.kind === "number";

/** Whether a value looks like what a field holds; whether it is legal is for the server to say. */
export function holds(field: Field, value: unknown): boolean {
  switch (field.kind) {
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number";
    case "choice":
      return field.options.includes(value as Scalar);
    case "switch":
      return typeof value === "boolean";
    case "text":
      return typeof value === "string";
    case "none":
      return value === null;
    case "list":
      return Array.isArray(value) && value.every((item) => holds(field.item, item));
    case "tuple":
      return Array.isArray(value) && value.length === field.items.length;
    case "mapping":
      return isSchema(value);
    case "union":
      return field.options.some((option) => holds(option, value));
    case "any":
      return true;
  }
}

/** Which alternative of a union a value is; the first that takes nearly such a value where none does. */
export function alternativeOf(options: Field[], value: unknown): number {
  const exact = options.findIndex((option) => holds(option, value));
  if (exact >= 0) return exact;
  const near = options.findIndex(
    (option) =>
      (Array.isArray(value) && (option.kind === "list" || option.kind === "tuple")) ||
      (typeof value === "number" && isNumber(option)) ||
      (typeof value === "string" && option.kind === "choice"),
  );
  return near;
}

const MANY: Partial<Record<Field["kind"], string>> = {
  integer: "integers",
  number: "numbers",
  mapping: "mappings",
  text: "texts",
  list: "lists",
  switch: "switches",
};

/** A field in words: `integer`, `2 integers`, `list of numbers`. */
export function describe(field: Field): string {
  switch (field.kind) {
    case "choice":
      return field.options.length === 1 ? String(field.options[0]) : "choice";
    case "switch":
      return "on or off";
    case "list":
      return `list of ${MANY[field.item.kind] ?? "values"}`;
    case "tuple":
      return `${field.items.length} ${(field.items[0] && MANY[simplest(field.items[0]).kind]) ?? "values"}`;
    case "any":
      return "value";
    case "union":
      return field.options.map(describe).join(" or ");
    default:
      return field.kind;
  }
}

const simplest = (field: Field): Field => (field.kind === "union" ? (field.options[0] ?? field) : field);

/** The bounds of a number in words; empty where it has none. */
export function bounds(field: Field): string {
  if (field.kind === "list") return bounds(field.item);
  if (field.kind === "tuple") return field.items[0] ? bounds(field.items[0]) : "";
  if (!isNumber(field)) return "";
  const low =
    field.least !== undefined ? `at least ${field.least}` : field.above !== undefined ? `above ${field.above}` : "";
  const high =
    field.most !== undefined ? `at most ${field.most}` : field.below !== undefined ? `below ${field.below}` : "";
  if (field.least !== undefined && field.most !== undefined) return `${field.least} to ${field.most}`;
  return [low, high].filter(Boolean).join(", ");
}

/** What a value becomes in another form; undefined where a person has to say. */
export function converted(field: Field, value: unknown, fallback?: unknown): unknown {
  if (fallback !== undefined && holds(field, fallback)) return fallback;
  const first: unknown = Array.isArray(value) ? value[0] : value;
  switch (field.kind) {
    case "none":
      return null;
    case "switch":
      return false;
    case "choice":
      return field.options[0];
    case "mapping":
      return {};
    case "integer":
    case "number":
      return typeof first === "number" ? first : undefined;
    case "list":
      return holds(field.item, first) ? [first] : undefined;
    case "tuple":
      return field.items.every((item) => holds(item, first)) ? field.items.map(() => first) : undefined;
    default:
      return undefined;
  }
}
