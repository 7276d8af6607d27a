/** Values as YAML writes them on one line: `{type: BN, eps: 1e-5}`, `[1, 2]`. Read by the core schema of YAML 1.2,
 * and as Python writes tuples and `None`. */

export type Read = { value: unknown } | { reason: string };

const DEEPEST = 32;
const INTEGER = /^[-+]?\d+$/;
const OTHER_INTEGER = /^0[xo][0-9a-fA-F]+$/;
const FLOAT = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;
const UNREADABLE = /^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/;
const PLAIN = /^[\p{L}_$./][\p{L}\p{N}_ $./-]*$/u;

class Unreadable extends Error {}

/** Read a value; `mapping` also takes `key: value` lines without braces. */
export function readFlow(text: string, mapping = false): Read {
  const trimmed = text.trim();
  const braced = mapping && trimmed !== "" && !/^[{[]/.test(trimmed) && trimmed.includes(":");
  const source = braced ? `{${trimmed.split(/\n+/).join(", ")}}` : trimmed;
  try {
    return { value: new Reader(source).whole() };
  } catch (error) {
    if (error instanceof Unreadable) return { reason: error.message };
    throw error;
  }
}

class Reader {
  private at = 0;
  private tuples = 0;

  constructor(private readonly text: string) {}

  whole(): unknown {
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length)
      throw this.wrong(`did not expect ${JSON.stringify(this.text.slice(this.at, this.at + 12))}`);
    return value;
  }

  private wrong(what: string): Unreadable {
    return new Unreadable(`${what}, at character ${this.at + 1}`);
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at += 1;
  }

  private take(mark: string): boolean {
    this.space();
    if (this.text[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }

  private value(depth: number): unknown {
    if (depth > DEEPEST) throw this.wrong("it is nested too deep");
    if (this.take("{")) return this.mapping(depth);
    if (this.take("[")) return this.list(depth, "]");
    if (this.take("(")) return this.tuple(depth);
    return this.scalar(false);
  }

  private mapping(depth: number): Record<string, unknown> {
    const found: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    while (!this.take("}")) {
      const key = String(this.scalar(true));
      if (!this.take(":")) throw this.wrong(`expected ':' after ${JSON.stringify(key)}`);
      if (key in found) throw this.wrong(`${JSON.stringify(key)} is there twice`);
      this.space();
      found[key] = /[,}]/.test(this.text[this.at] ?? "") ? null : this.value(depth + 1);
      if (!this.take(",") && this.text[this.at] !== "}") throw this.wrong("expected ',' or '}'");
    }
    return { ...found };
  }

  private list(depth: number, end: string): unknown[] {
    const found: unknown[] = [];
    while (!this.take(end)) {
      found.push(this.value(depth + 1));
      if (!this.take(",") && this.text[this.at] !== end) throw this.wrong(`expected ',' or '${end}'`);
    }
    return found;
  }

  /** `(3, 5)`, `(3,)` and `()` are lists; `(3)` is 3, as in Python. */
  private tuple(depth: number): unknown {
    this.tuples += 1;
    const found = this.list(depth, ")");
    this.tuples -= 1;
    const comma = /,\s*\)$/.test(this.text.slice(0, this.at));
    return found.length === 1 && !comma ? found[0] : found;
  }

  private scalar(key: boolean): unknown {
    this.space();
    const quote = this.text[this.at];
    if (quote === '"') return this.double();
    if (quote === "'") return this.single();
    const rest = this.text.slice(this.at);
    const plain = this.tuples ? /^([^,{}[\]():]|:(?=\S))+/ : /^([^,{}[\]:]|:(?=\S))+/;
    const word = (key ? /^[^,{}[\]:]+/ : plain).exec(rest)?.[0] ?? "";
    if (!word.trim()) throw this.wrong(rest ? "expected a value" : "it ends too early, expected a value");
    this.at += word.length;
    return key ? word.trim() : scalarOf(word.trim());
  }

  private double(): string {
    const found = /^"(?:[^"\\]|\\.)*"/.exec(this.text.slice(this.at))?.[0];
    if (!found) throw this.wrong('the closing " is missing');
    this.at += found.length;
    try {
      return JSON.parse(found) as string;
    } catch {
      throw this.wrong("the text has an escape that cannot be read");
    }
  }

  private single(): string {
    const found = /^'(?:[^']|'')*'/.exec(this.text.slice(this.at))?.[0];
    if (!found) throw this.wrong("the closing ' is missing");
    this.at += found.length;
    return found.slice(1, -1).replaceAll("''", "'");
  }
}

function scalarOf(word: string): unknown {
  if (/^(~|null|Null|NULL|None)$/.test(word)) return null;
  if (/^(true|True|TRUE)$/.test(word)) return true;
  if (/^(false|False|FALSE)$/.test(word)) return false;
  if (UNREADABLE.test(word)) throw new Unreadable(`${word} is no number that a graph may hold`);
  if (INTEGER.test(word) || OTHER_INTEGER.test(word) || FLOAT.test(word)) return Number(word);
  return word;
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
  const plain = PLAIN.test(text) && text === text.trim() && (key || scalarOf(text) === text);
  return plain ? text : JSON.stringify(text);
}
