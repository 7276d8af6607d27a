/** Something that a search goes through. */
export interface Findable {
  name: string;
  kind: string;
  text: string;
}

/** What fits the words, best first; everything, in its order, where there are none. */
export function rank<T extends Findable>(query: string, entries: T[]): T[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return entries;
  const scored = entries.flatMap((entry, order) => {
    let sum = 0;
    for (const word of words) {
      const found = score(word, entry);
      if (!found) return [];
      sum += found;
    }
    return [{ entry, order, sum }];
  });
  scored.sort((a, b) => b.sum - a.sum || a.entry.name.length - b.entry.name.length || a.order - b.order);
  return scored.map(({ entry }) => entry);
}

/** How well a word fits: the name's start before its parts, those before its inside, then the kind and the text. */
function score(word: string, { name, kind, text }: Findable): number {
  const lower = name.toLowerCase();
  if (lower === word) return 100;
  if (lower.startsWith(word)) return 80;
  if (initials(name).startsWith(word)) return 70;
  if (parts(name).some((part) => part.startsWith(word))) return 60;
  if (lower.includes(word)) return 45;
  if (kind.toLowerCase().includes(word)) return 30;
  if (text.toLowerCase().includes(word)) return 20;
  return word.length > 2 ? scattered(word, lower) : 0;
}

/** `GlobalAveragePooling` as `global`, `average`, `pooling`. */
const parts = (name: string): string[] =>
  (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((part) => part.toLowerCase());
const initials = (name: string): string =>
  parts(name)
    .map((part) => part.charAt(0))
    .join("");

/** Letters in their order, with gaps; nothing where they lie too far apart. */
function scattered(word: string, name: string): number {
  let at = -1;
  let first = -1;
  for (const letter of word) {
    at = name.indexOf(letter, at + 1);
    if (at < 0) return 0;
    if (first < 0) first = at;
  }
  const gaps = at - first + 1 - word.length;
  return gaps <= word.length + 2 ? 10 - Math.min(8, gaps) : 0;
}
