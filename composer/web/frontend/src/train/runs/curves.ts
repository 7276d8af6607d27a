/** Curves of runs: put together from what the server sends, smoothed, and measured out for a chart. */
import type { TrainCurve, TrainHave } from "../../payloads";

/** A curve as far as the page has it: one entry for each point in every list. */
export type Curve = Omit<TrainCurve, "first">;

/** What the page has, for the next question. */
export const have = (curves: Record<string, Curve>): Record<string, TrainHave> =>
  Object.fromEntries(
    Object.entries(curves).map(([name, { mark, step }]) => [name, { mark, points: step.length }] as const),
  );

/** A curve with what came in: points from `first` on take the place of those that were there. */
export function joined(before: Curve | undefined, { first, ...part }: TrainCurve): Curve {
  if (!before || before.mark !== part.mark || first === 0) return part;
  const to = <T>(old: T[], fresh: T[]): T[] => [...old.slice(0, first), ...fresh];
  return {
    ...part,
    step: to(before.step, part.step),
    mean: to(before.mean, part.mean),
    low: to(before.low, part.low),
    high: to(before.high, part.high),
    broken: to(before.broken, part.broken),
  };
}

/** An exponential mean that begins without a bias (Adam's correction, Kingma and Ba 2015, section 3); NaN stays a gap. */
export function smooth(values: (number | null)[], share: number): (number | null)[] {
  if (share <= 0) return values;
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = share * sum + (1 - share) * value;
    weight = share * weight + (1 - share);
    return sum / weight;
  });
}

/** The least and the greatest of some numbers; null where there is none. */
export function extent(values: Iterable<number | null>, positive = false): [number, number] | null {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value === null || (positive && value <= 0)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return least <= most ? [least, most] : null;
}

/** Round numbers between two others, some `count` of them: 1, 2 or 5 times a power of ten. */
export function ticks([least, most]: [number, number], count: number): number[] {
  const span = most - least;
  if (!(span > 0)) return [least];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((times) => times * power >= rough * 0.999) ?? 10) * power;
  const found: number[] = [];
  for (let at = Math.ceil(least / step - 1e-9); at * step <= most + step * 1e-9; at += 1) {
    found.push(Number((at * step).toPrecision(12)));
  }
  return found;
}

/** Powers of ten between two positive numbers; where there are fewer than two, round numbers. */
export function logTicks([least, most]: [number, number]): number[] {
  const [from, to] = [Math.ceil(Math.log10(least) - 1e-9), Math.floor(Math.log10(most) + 1e-9)];
  if (to - from < 1) return ticks([least, most], 4).filter((value) => value > 0);
  const every = Math.ceil((to - from + 1) / 5);
  const found: number[] = [];
  for (let power = from; power <= to; power += every) found.push(Number(`1e${power}`));
  return found;
}

/** The entry of a sorted list that is nearest to a value; -1 where the list is empty. */
export function nearest(sorted: number[], value: number): number {
  let [low, high] = [0, sorted.length - 1];
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle;
    else high = middle;
  }
  return Math.abs((sorted[high] ?? 0) - value) < Math.abs((sorted[low] ?? 0) - value) ? high : low;
}

/** A line through points as the path of an SVG; it breaks off where there is none. */
export function line(xs: number[], ys: (number | null)[]): string {
  let path = "";
  let pen = "M";
  for (let at = 0; at < xs.length; at += 1) {
    const y = ys[at];
    if (y === null || y === undefined || !Number.isFinite(y)) pen = "M";
    else {
      path += `${pen}${(xs[at] ?? 0).toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
    }
  }
  return path;
}

const ASIDE = ["lr", "rate", "waited", "memory", "gradient", "scale"];

/** The charts of some curves: losses together, what is measured together, and the rest one by one. */
export function charts(names: string[]): { title: string; names: string[]; small: boolean }[] {
  const losses = names.filter((name) => /loss/i.test(name));
  const aside = names.filter((name) => ASIDE.includes(name));
  const measured = names.filter((name) => !losses.includes(name) && !aside.includes(name));
  const large = [
    { title: "Losses", names: losses, small: false },
    { title: "Validation", names: measured, small: false },
  ];
  const words: Record<string, string> = {
    lr: "Learning rate",
    rate: "Images a second",
    waited: "Waiting for data",
    memory: "GPU memory",
    gradient: "Gradient norm",
    scale: "Loss scale",
  };
  const order = ASIDE.filter((name) => aside.includes(name));
  const small = order.map((name) => ({ title: words[name] ?? name, names: [name], small: true }));
  return [...large.filter((chart) => chart.names.length), ...small];
}
