/** Numbers of every node of a pass, or of a step of a training: put together, coloured, compared. */
import type { TrainNodesView, ValueRow } from "../payloads";
import { fourDigits } from "./format";

/** What is shown of one port: of a sequence over all its levels. */
export interface Numbers {
  count: number;
  mean: number | null;
  std: number | null;
  low: number | null;
  high: number | null;
  zeros: number;
  nan: number;
  infinite: number;
}

export interface PortValues extends Numbers {
  node: string;
  port: string;
  /** One for a tensor; of a sequence each of its levels. */
  rows: ValueRow[];
}

/** By the path of the node. */
export type NodeValues = ReadonlyMap<string, PortValues[]>;

export type Statistic =
  | "mean"
  | "std"
  | "low"
  | "high"
  | "zeros"
  | "bad"
  | "mean-change"
  | "std-change"
  | "gradient"
  | "weight";

export const STATISTICS: Record<Statistic, { words: string; signed: boolean }> = {
  mean: { words: "Mean", signed: true },
  std: { words: "Spread", signed: false },
  low: { words: "Least", signed: true },
  high: { words: "Greatest", signed: true },
  zeros: { words: "Share of zeros", signed: false },
  bad: { words: "NaN and infinite", signed: false },
  "mean-change": { words: "Change of mean", signed: true },
  "std-change": { words: "Change of spread", signed: true },
  gradient: { words: "Gradient norm", signed: false },
  weight: { words: "Weight norm", signed: false },
};
export const OF_PASS: Statistic[] = ["mean", "std", "low", "high", "zeros", "bad"];
export const OF_TWO: Statistic[] = ["mean-change", "std-change"];
export const OF_TRAINING: Statistic[] = ["mean", "std", "gradient", "weight", "bad"];

/** Four digits, with the signs of print. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return fourDigits(value).replace("-", "−").replace("e+", "e");
}

export const share = (part: number, whole: number): string =>
  whole && part
    ? `${part < whole && part / whole >= 0.9995 ? ">99.9" : Number(((100 * part) / whole).toPrecision(3))} %`
    : "0";

/** Rows of one port as one: means and spreads of all numbers together (Chan, Golub and LeVeque, 1979). */
export function together(rows: Numbers[]): Numbers {
  const found: Numbers = { count: 0, mean: null, std: null, low: null, high: null, zeros: 0, nan: 0, infinite: 0 };
  let finite = 0;
  let squares = 0;
  for (const row of rows) {
    found.count += row.count;
    found.zeros += row.zeros;
    found.nan += row.nan;
    found.infinite += row.infinite;
    const own = row.count - row.nan - row.infinite;
    if (row.mean === null || row.std === null || !own) continue;
    const apart = row.mean - (found.mean ?? row.mean);
    squares += row.std ** 2 * own + (apart ** 2 * finite * own) / (finite + own);
    found.mean = (found.mean ?? row.mean) + (apart * own) / (finite + own);
    finite += own;
    found.low = row.low === null ? found.low : Math.min(found.low ?? row.low, row.low);
    found.high = row.high === null ? found.high : Math.max(found.high ?? row.high, row.high);
  }
  return { ...found, std: found.mean === null ? null : Math.sqrt(Math.max(squares / finite, 0)) };
}

/** The rows of a pass by node and port. */
export function byNode(rows: ValueRow[]): NodeValues {
  const found = new Map<string, Map<string, ValueRow[]>>();
  for (const row of rows) {
    const ports = found.get(row.node) ?? new Map<string, ValueRow[]>();
    found.set(row.node, ports);
    ports.set(row.port, [...(ports.get(row.port) ?? []), row]);
  }
  return new Map(
    [...found].map(([node, ports]) => [
      node,
      [...ports].map(([port, mine]) => ({ node, port, rows: mine, ...together(mine) })),
    ]),
  );
}

/** Whether its numbers measure something; those of labels and indices are names. */
const isMeasured = (port: PortValues): boolean => port.rows.some((row) => /float|complex/.test(row.dtype));

export const isBad = (one: Numbers): boolean => one.nan + one.infinite > 0;

/** One statistic of a port; null where there is none. */
export function statisticOf(statistic: Statistic, now: Numbers, before: Numbers | undefined): number | null {
  switch (statistic) {
    case "zeros":
      return now.count ? now.zeros / now.count : null;
    case "bad":
      return now.nan + now.infinite;
    case "mean-change":
      return now.mean === null || !before || before.mean === null ? null : now.mean - before.mean;
    case "std-change":
      return now.std === null || !before || before.std === null ? null : now.std - before.std;
    case "gradient":
    case "weight":
      return null;
    default:
      return now[statistic];
  }
}

/** How a node looks: what is written at it, and its colour; `bad` where it gave NaN or infinite numbers. */
export interface Look {
  words: string;
  title: string;
  colour: string | null;
  bad: boolean;
}

export interface Looks {
  nodes: ReadonlyMap<string, Look>;
  /** The ends of the scale. */
  low: number | null;
  high: number | null;
  signed: boolean;
  /** How many nodes gave NaN or infinite numbers. */
  bad: number;
}

/** Sequential colours from low to high, which rise in brightness; signed ones from below 0 to above it. */
const RISING = ["#3b3470", "#2c5b9a", "#22808c", "#3fa36c", "#c9c043"];
const SIGNED = ["#2b66c4", "#8fb0dd", "#c9c9c9", "#e3ab7c", "#c45a13"];

/** Where a value lies between the ends of a scale, from 0 to 1; scales of many powers of ten are logarithmic. */
export function position(value: number, low: number, high: number, signed: boolean): number {
  if (signed) {
    const most = Math.max(Math.abs(low), Math.abs(high));
    return most ? (1 + Math.sign(value) * Math.sqrt(Math.abs(value) / most)) / 2 : 0.5;
  }
  if (!(high > low)) return 0.5;
  if (low > 0 && high / low > 30) return Math.log(value / low) / Math.log(high / low);
  return (value - low) / (high - low);
}

export function colourAt(place: number, signed: boolean): string {
  const colours = signed ? SIGNED : RISING;
  const at = Math.min(Math.max(place, 0), 1) * (colours.length - 1);
  const left = Math.min(Math.floor(at), colours.length - 2);
  const [from, to] = [colours[left] ?? "", colours[left + 1] ?? ""];
  const channel = (index: number): number => {
    const [a, b] = [from, to].map((one) => Number.parseInt(one.slice(index, index + 2), 16)) as [number, number];
    return Math.round(a + (b - a) * (at - left));
  };
  return `rgb(${channel(1)} ${channel(3)} ${channel(5)})`;
}

export const gradient = (signed: boolean): string =>
  `linear-gradient(to right, ${(signed ? SIGNED : RISING).join(", ")})`;

interface Entry {
  node: string;
  parts: { port: string; value: number | null; words: string }[];
  title: string;
  bad: string;
}

/** Colours and words of entries; a node of several ports has the colour of the one that is furthest from 0. */
function looksOf(entries: Entry[], signed: boolean): Looks {
  const values = entries.flatMap((one) => one.parts.flatMap((part) => (part.value === null ? [] : [part.value])));
  const low = values.length ? Math.min(...values) : null;
  const high = values.length ? Math.max(...values) : null;
  const nodes = new Map<string, Look>();
  let bad = 0;
  for (const { node, parts, title, bad: strange } of entries) {
    if (strange) bad += 1;
    const known = parts.flatMap(({ value }) => (value === null ? [] : [value]));
    const far = known.length ? known.reduce((one, other) => (Math.abs(other) > Math.abs(one) ? other : one)) : null;
    const colour =
      far === null || low === null || high === null ? null : colourAt(position(far, low, high, signed), signed);
    const words =
      strange || parts.map((part) => (parts.length > 1 ? `${part.port} ${part.words}` : part.words)).join("  ");
    if (words) nodes.set(node, { words, title, colour, bad: Boolean(strange) });
  }
  return { nodes, low, high, signed, bad };
}

const strangeWords = (nan: number, infinite: number): string =>
  [nan && `NaN ${nan.toLocaleString("en")}`, infinite && `inf ${infinite.toLocaleString("en")}`]
    .filter(Boolean)
    .join(", ");

/** The looks of every node of a pass; without a statistic only NaN is shown. */
export function looksOfPass(now: NodeValues, before: NodeValues | null, statistic: Statistic | null): Looks {
  const entries = [...now].map(([node, ports]): Entry => {
    const earlier = before?.get(node);
    const parts = statistic
      ? ports.filter(isMeasured).flatMap((port) => {
          const value = statisticOf(
            statistic,
            port,
            earlier?.find((one) => one.port === port.port),
          );
          if (value === null) return [];
          return [
            { port: port.port, value, words: statistic === "zeros" ? share(port.zeros, port.count) : number(value) },
          ];
        })
      : [];
    const [nan, infinite] = [
      ports.reduce((sum, one) => sum + one.nan, 0),
      ports.reduce((sum, one) => sum + one.infinite, 0),
    ];
    return { node, parts, title: ports.map(portWords).join("\n"), bad: strangeWords(nan, infinite) };
  });
  return looksOf(entries, statistic !== null && STATISTICS[statistic].signed);
}

export const portWords = (port: PortValues): string => {
  const strange = strangeWords(port.nan, port.infinite);
  const zeros = port.zeros ? `, zeros ${share(port.zeros, port.count)}` : "";
  const size = port.rows.length > 1 ? `${port.rows.length} tensors` : (port.rows[0]?.shape.join(" ") ?? "");
  return `${port.port || port.node} (${size}): mean ${number(port.mean)}, spread ${number(port.std)}, ${number(port.low)} to ${number(port.high)}${zeros}${strange && `, ${strange}`}`;
};

/** The looks of every node in a step of a training. */
export function looksOfTraining(view: TrainNodesView, statistic: Statistic | null): Looks {
  const known = statistic === null || OF_TRAINING.includes(statistic) ? statistic : "mean";
  const entries = Object.entries(view.nodes).map(([node, one]): Entry => {
    const text = (name: "mean" | "std" | "weight" | "gradient") =>
      one.not_finite.includes(name) ? "NaN" : number(one[name]);
    const value = known === null ? null : known === "bad" ? one.bad : known in one ? one[known as "mean"] : null;
    const words = known === "bad" ? String(one.bad) : number(value);
    const strange = one.not_finite.filter((name) => name === "weight" || name === "gradient");
    const bad = one.bad
      ? `NaN or inf ${one.bad.toLocaleString("en")}`
      : strange.map((name) => `${name} NaN`).join(", ");
    const title = `step ${view.step}: mean ${text("mean")}, spread ${text("std")}, gradient norm ${text("gradient")}, weight norm ${text("weight")}`;
    return { node, parts: value === null ? [] : [{ port: "", value, words }], title, bad };
  });
  return looksOf(entries, known !== null && STATISTICS[known].signed);
}

/** A port in two passes. */
export interface Difference {
  node: string;
  port: string;
  now: PortValues | null;
  before: PortValues | null;
  mean: number | null;
  std: number | null;
  /** |change of mean| in spreads (of one number: of itself), plus |logarithm of the ratio of spreads|; infinite where one pass has what the other lacks. */
  size: number;
  /** Whether any number differs, to the bit. */
  changed: boolean;
}

/** Every port of two passes, the largest difference first. */
export function differences(now: NodeValues, before: NodeValues): Difference[] {
  const found: Difference[] = [];
  const pair = (one: PortValues | undefined, other: PortValues | undefined) => {
    const any = one ?? other;
    if (!any) return;
    const same = one && other && sums(one) === sums(other);
    found.push({
      node: any.node,
      port: any.port,
      now: one ?? null,
      before: other ?? null,
      mean: one && other ? statisticOf("mean-change", one, other) : null,
      std: one && other ? statisticOf("std-change", one, other) : null,
      size: same ? 0 : sizeOf(one, other),
      changed: !same,
    });
  };
  for (const node of new Set([...now.keys(), ...before.keys()])) {
    const [mine, theirs] = [now.get(node) ?? [], before.get(node) ?? []];
    for (const port of new Set([...mine, ...theirs].map((one) => one.port))) {
      pair(
        mine.find((one) => one.port === port),
        theirs.find((one) => one.port === port),
      );
    }
  }
  return found.sort((one, other) => (one.size === other.size ? 0 : other.size - one.size));
}

const sums = (port: PortValues): string => port.rows.map((row) => `${row.shape.join(" ")}:${row.checksum}`).join();

function sizeOf(now: PortValues | undefined, before: PortValues | undefined): number {
  if (!now || !before || isBad(now) !== isBad(before)) return Number.POSITIVE_INFINITY;
  const [mean, other] = [now.mean ?? 0, before.mean ?? 0];
  const [std, earlier] = [now.std ?? 0, before.std ?? 0];
  const spread = Math.max(std, earlier);
  if (!spread) return mean === other ? 0 : Math.abs(mean - other) / Math.max(Math.abs(mean), Math.abs(other));
  const ratio = std && earlier ? Math.abs(Math.log(std / earlier)) : Math.log(1e6);
  return Math.abs(mean - other) / spread + ratio;
}

export type Column = "order" | "node" | "mean" | "std" | "low" | "high" | "zeros" | "bad";

/** Ports in the order of a column; what has no number comes last. */
export function sorted(ports: PortValues[], column: Column, falling: boolean): PortValues[] {
  if (column === "order") return falling ? [...ports].reverse() : ports;
  const sign = falling ? -1 : 1;
  return [...ports].sort((one, other) => {
    if (column === "node") return sign * one.node.localeCompare(other.node);
    const [a, b] = [statisticOf(column, one, undefined), statisticOf(column, other, undefined)];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return sign * (a - b);
  });
}
