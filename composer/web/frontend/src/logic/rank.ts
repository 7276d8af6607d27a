/** Something that a search goes through. */
export interface Findable {
  name: string;
  kind: string;
  text: string;
  /** What people call it or type to find it, best first. */
  keywords?: string[];
  /** Lifts it above its equals. */
  bonus?: number;
}

/** Words that say where a part comes from or that it is one: they need not be found. */
const SOFT = new Set(
  "a an and for in of on the to with block cell function layer layers module net network op part torch torchvision nn functional pytorch keras tf tensorflow timm mmcv mmdet mmcls mmpretrain mmengine".split(
    " ",
  ),
);
const SIZE = /^(\d+([x*.]\d+)*[a-z]?|[a-z])$/;
const TYPO_LENGTH = 4;

/** What fits the words, best first; everything, in its order, where there are none. */
export function rank<T extends Findable>(query: string, entries: T[]): T[] {
  const asked = read(query);
  if (!asked) return entries;
  const scored = entries.flatMap((entry, order) => {
    const score = scoreOf(asked, entry);
    return score ? [{ entry, order, score: score + (entry.bonus ?? 0) }] : [];
  });
  scored.sort((a, b) => b.score - a.score || a.entry.name.length - b.entry.name.length || a.order - b.order);
  return scored.map(({ entry }) => entry);
}

interface Asked {
  /** As it was typed. */
  text: string;
  /** All of it without blanks and marks. */
  phrase: string;
  words: string[];
}

/** `torch.nn.functional.max_pool2d(x)` is asked as `max pool2d`. */
function read(query: string): Asked | null {
  const text = query.toLowerCase().trim();
  if (!text) return null;
  const called = text.replace(/([a-z_]\w*)\(.*$/, "$1");
  const last = called.replace(/\b(?:[a-z_]\w*\.)+(?=[a-z_])/g, "");
  const words = last.split(/[^a-z0-9.]+/).filter((word) => /[a-z0-9]/.test(word));
  return { text, phrase: compact(last) || text, words };
}

const compact = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");

interface Index {
  name: string;
  parts: string[];
  initials: string;
  kind: string;
  text: string;
  keywords: { whole: string; raw: string; parts: string[] }[];
}

const known = new WeakMap<Findable, Index>();

function indexOf(entry: Findable): Index {
  const found = known.get(entry);
  if (found) return found;
  const parts = (entry.name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((part) => part.toLowerCase());
  const index = {
    name: compact(entry.name),
    parts,
    initials: parts.map((part) => part.charAt(0)).join(""),
    kind: entry.kind.toLowerCase(),
    text: entry.text.toLowerCase(),
    keywords: (entry.keywords ?? []).map((raw) => ({
      raw: raw.toLowerCase(),
      whole: compact(raw),
      parts: raw.toLowerCase().split(/[^a-z0-9]+/),
    })),
  };
  known.set(entry, index);
  return index;
}

/** All words have to be found, but for soft ones; the whole phrase counts for more than its words. */
function scoreOf({ text, phrase, words }: Asked, entry: Findable): number {
  const index = indexOf(entry);
  if (text.includes(".") && entry.name.toLowerCase().includes(text)) return 99;
  const whole = ofPhrase(phrase, index);
  let sum = 0;
  let found = 0;
  for (const word of words) {
    const score = ofWord(word, index) || ofHead(word, index);
    const soft = SOFT.has(word) || SIZE.test(word);
    if (!score && !soft) return whole;
    if (!score || (soft && words.length > 1)) continue;
    sum += score;
    found += 1;
  }
  const several = whole && words.length > 1 ? 2 : 0;
  return Math.max(whole + several, found ? sum / found : 0);
}

/** The part of `resnet200` before its number. */
function ofHead(word: string, index: Index): number {
  const head = /^([a-z]{3,})\d[\dx.]*[a-z]?$/.exec(word)?.[1];
  return head ? Math.max(0, ofWord(head, index) - 2) : 0;
}

/** How well all that is asked fits: the name before the keywords, these in their order. */
function ofPhrase(phrase: string, index: Index): number {
  const long = phrase.length > 2;
  let best = 0;
  if (index.name === phrase) best = 100;
  else if (index.name.startsWith(phrase)) best = 84;
  else if (long && index.name.includes(phrase)) best = 46;
  best = Math.max(best, TYPO[misspelt(phrase, index.name)].name);
  index.keywords.forEach(({ raw, whole, parts }, at) => {
    const later = Math.min(at, 30) / 10;
    if (whole === phrase || raw === phrase) best = Math.max(best, 97 - later);
    else if (!whole) return;
    else if (whole.startsWith(phrase)) best = Math.max(best, (parts[0] === phrase ? 76 : 73) - later);
    else if (phrase.length > 3 && whole.includes(phrase)) best = Math.max(best, 44 - later);
    best = Math.max(best, TYPO[misspelt(phrase, whole)].keyword - later);
  });
  return best;
}

/** How well one word fits: parts of the name, parts of keywords, then the kind and the text. */
function ofWord(word: string, index: Index): number {
  const { name, parts, initials, keywords, kind, text } = index;
  const plain = compact(word);
  let best = 0;
  const put = (score: number) => {
    best = Math.max(best, score);
  };
  put(ofPhrase(plain, index));
  if (parts.includes(plain)) put(72);
  else if (initials === plain) put(70);
  else if (parts.some((part) => part.startsWith(plain))) put(62);
  else if (plain.length > 1 && initials.startsWith(plain)) put(60);
  keywords.forEach((keyword, at) => {
    const later = Math.min(at, 30) / 10;
    if (keyword.parts.includes(plain)) put(56 - later);
    else if (plain.length > 2 && keyword.parts.some((part) => part.startsWith(plain))) put(48 - later);
    else if (keyword.parts.some((part) => misspelt(plain, part) === "whole")) put(38 - later);
  });
  if (parts.some((part) => misspelt(plain, part) === "whole")) put(42);
  if (best) return best;
  if (kind.includes(plain)) return 30;
  if (plain.length > 2 && new RegExp(`\\b${plain}`).test(text)) return 20;
  if (plain.length > 3 && text.includes(plain)) return 16;
  return plain.length > 2 ? scattered(plain, name) : 0;
}

type Typo = "none" | "start" | "whole";
const TYPO: Record<Typo, { name: number; keyword: number }> = {
  none: { name: 0, keyword: 0 },
  start: { name: 43, keyword: 40 },
  whole: { name: 55, keyword: 53 },
};

/** Whether a word is another one, or its start, but for one letter: wrong, missing, too many, or two swapped. */
export function misspelt(word: string, other: string): Typo {
  if (word.length < TYPO_LENGTH || other.length < TYPO_LENGTH) return "none";
  let at = 0;
  while (at < word.length && word[at] === other[at]) at += 1;
  if (at === word.length) return other.length - at === 1 ? "whole" : "none";
  const rests = [
    [at + 1, at + 1],
    [at + 1, at],
    [at, at + 1],
  ];
  if (word[at] === other[at + 1] && word[at + 1] === other[at]) rests.push([at + 2, at + 2]);
  let found: Typo = "none";
  for (const [mine, theirs] of rests as [number, number][]) {
    const rest = word.slice(mine);
    if (other.slice(theirs) === rest) return "whole";
    if (word.length > TYPO_LENGTH && rest && other.startsWith(rest, theirs)) found = "start";
  }
  return found;
}

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
