/** Values of a recipe by the keys of the form, and how numbers are written beside it. */

type Values = Record<string, unknown> | null | undefined;

export function at(values: Values, path: readonly string[]): unknown {
  let here: unknown = values;
  for (const key of path) {
    if (typeof here !== "object" || here === null || Array.isArray(here)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

const plain = (value: unknown): string => JSON.stringify(value ?? null);

/** What the form shows of a key: what is said or filled in, and whether it is another than would be filled in. */
export function shownOf(path: readonly string[], said: Values, completed: Values, usual: Values) {
  const own = at(said, path);
  const filled = at(completed, path);
  const fallback = at(usual, path);
  const value = own ?? filled ?? fallback ?? undefined;
  const given = own !== undefined && own !== null && (usual ? plain(own) !== plain(fallback) : true);
  return { value, fallback: fallback ?? undefined, given };
}

export interface Bar {
  name: string;
  count: number;
}

/** Classes from the largest to the smallest, and how unequal they are. */
export function ranked(classes: string[], counts: number[]): Bar[] {
  return classes
    .map((name, place) => ({ name, count: counts[place] ?? 0 }))
    .sort((one, other) => other.count - one.count || one.name.localeCompare(other.name));
}

/** How classes differ in words: `12 each`, `3 to 90 each`. */
export function spread(bars: Bar[]): string {
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) return "";
  const digits = (count: number) => count.toLocaleString("en-US");
  return first.count === last.count
    ? `${digits(first.count)} each`
    : `${digits(last.count)} to ${digits(first.count)} each`;
}

/** Sizes of images in words; heights come first on the wire, widths are said first. */
export function sizes(smallest: [number, number] | null, largest: [number, number] | null): string {
  if (!smallest || !largest) return "";
  const [one, other] = [smallest, largest].map(([height, width]) => `${width} x ${height}`);
  return one === other ? `${one} pixels` : `${one} to ${other} pixels`;
}

/** The place in a text where a line begins, counted from 1. */
export function lineStart(text: string, line: number): number {
  let place = 0;
  for (let count = 1; count < line; count += 1) {
    const next = text.indexOf("\n", place);
    if (next < 0) return text.length;
    place = next + 1;
  }
  return place;
}
