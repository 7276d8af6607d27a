/** A part of a docstring: text, a list of entries under a title (`Args:`), or lines that stay as they are. */
export type Part =
  | { kind: "text"; text: string }
  | { kind: "entries"; title: string; entries: { name: string; text: string }[] }
  | { kind: "lines"; text: string };

/** A docstring in parts: lines that were only broken for the margin are joined. */
export function partsOf(doc: string): Part[] {
  return doc
    .split(/\n\s*\n/)
    .map((part) => part.replace(/\s+$/, ""))
    .filter(Boolean)
    .map(partOf);
}

function partOf(part: string): Part {
  const lines = part.split("\n");
  const [first = "", ...rest] = lines;
  if (/^\w[\w ]*:$/.test(first) && rest.length && rest.every((line) => /^\s/.test(line))) {
    return { kind: "entries", title: first.slice(0, -1), entries: entriesOf(rest) };
  }
  if (lines.some((line) => /^(\s{2,}|[-*] )/.test(line))) return { kind: "lines", text: part };
  return { kind: "text", text: lines.map((line) => line.trim()).join(" ") };
}

/** `name: text`, whose text may go on in lines that stand further right. */
function entriesOf(lines: string[]): { name: string; text: string }[] {
  const margin = Math.min(...lines.map((line) => line.search(/\S/)));
  const joined: string[] = [];
  for (const line of lines) {
    if (line.search(/\S/) === margin || !joined.length) joined.push(line.trim());
    else joined[joined.length - 1] += ` ${line.trim()}`;
  }
  return joined.map((line) => {
    const [, name = "", text = line] = /^([\w*. ,()]{1,60}): (.*)$/.exec(line) ?? [];
    return { name, text };
  });
}

/** Text in turns plain and code, as docstrings mark it: ``code``. */
export const codeIn = (text: string): string[] => text.split("``");
