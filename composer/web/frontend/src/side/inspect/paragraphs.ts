export interface Paragraph {
  text: string;
  /** Its lines stay as they are: lists of arguments, formulas. */
  kept: boolean;
}

/** A docstring as paragraphs: lines that were only broken for the margin are joined. */
export function paragraphs(doc: string): Paragraph[] {
  return doc
    .split(/\n\s*\n/)
    .map((part) => part.replace(/\s+$/, ""))
    .filter(Boolean)
    .map((part) => {
      const lines = part.split("\n");
      const kept = lines.some((line) => /^(\s{2,}|[-*] |\w+:$)/.test(line));
      return { text: kept ? part : lines.map((line) => line.trim()).join(" "), kept };
    });
}
