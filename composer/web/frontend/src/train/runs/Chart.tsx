import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import { exact, fourDigits } from "../../logic/format";
import { Button } from "../../ui/Button";
import { type Curve, extent, line, logTicks, nearest, smooth, ticks } from "./curves";

export interface Series {
  name: string;
  /** Null where this run has none. */
  curve: Curve | null;
  /** That of another run, drawn in dashes. */
  other: Curve | null;
}

interface Props {
  title: string;
  series: Series[];
  /** The step at which the chart ends. */
  end: number;
  small?: boolean;
  log: boolean;
  smoothing: number;
  /** The colour of each name, so that it is the same in all charts. */
  colours: Record<string, string>;
}

const LEFT = 46;
const RIGHT = 8;
const TOP = 6;
const BOTTOM = 18;

/** Curves over the steps. The pointer, or arrow keys, show the values at a step. */
export function Chart({ title, series, end, small = false, log, smoothing, colours }: Props) {
  const [box, width] = useWidth();
  const [at, setAt] = useState<number | null>(null);
  const [off, setOff] = useState<string[]>([]);
  const height = small ? 90 : 190;
  const shown = useMemo(() => series.filter((one) => !off.includes(one.name)), [series, off]);
  const plot = useMemo(
    () => layout(shown, end, width, height, log, smoothing),
    [shown, end, width, height, log, smoothing],
  );
  const steps = useMemo(
    () => [...new Set(shown.flatMap((one) => curvesOf(one).flatMap(({ step }) => step)))].sort((a, b) => a - b),
    [shown],
  );
  const cursor = at === null ? null : (steps[nearest(steps, at)] ?? null);
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const { left } = event.currentTarget.getBoundingClientRect();
    setAt(plot.stepAt(event.clientX - left));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const here = cursor === null ? steps.length : steps.indexOf(cursor);
    const goal = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: steps.length - 1 }[event.key];
    if (event.key === "Escape" && cursor !== null) setAt(null);
    else if (goal === undefined) return;
    else setAt(steps[Math.max(0, Math.min(steps.length - 1, goal))] ?? null);
    event.preventDefault();
    event.stopPropagation();
  };
  const broken = shown.flatMap(({ name, curve }) =>
    curve?.broken.some((count) => count > 0) ? [{ name, curve }] : [],
  );
  const text = (curve: Curve) => fourDigits(cursor === null ? curve.last : valueAt(curve, cursor));
  return (
    <figure className={`train-chart${small ? " is-small" : ""}`} aria-label={title}>
      <figcaption>
        <b>{title}</b>
        <span className="train-legend">
          {series.map((one) => (
            <Button
              key={one.name}
              look="bare"
              aria-pressed={!off.includes(one.name)}
              title={off.includes(one.name) ? `Show ${one.name}` : `Hide ${one.name}`}
              onClick={() =>
                setOff(off.includes(one.name) ? off.filter((name) => name !== one.name) : [...off, one.name])
              }
            >
              <Dash colour={colours[one.name]} />
              {!small && <span className="train-legend-name">{one.name}</span>}
              {one.curve && <output>{text(one.curve)}</output>}
              {one.other && (
                <>
                  <Dash colour={colours[one.name]} other />
                  <output>{text(one.other)}</output>
                </>
              )}
            </Button>
          ))}
          {cursor !== null && <span className="composer-soft">at step {exact(cursor)}</span>}
        </span>
      </figcaption>
      <div ref={box} className="train-plot" style={{ height }}>
        <svg
          width={width}
          height={height}
          role="img"
          tabIndex={0}
          aria-label={described(title, shown)}
          onPointerMove={point}
          onPointerLeave={() => setAt(null)}
          onKeyDown={onKeyDown}
          onBlur={() => setAt(null)}
        >
          {plot.rows.map(([value, y]) => (
            <g key={value}>
              <line x1={LEFT} x2={width - RIGHT} y1={y} y2={y} className="train-grid" />
              <text x={LEFT - 6} y={y + 4} textAnchor="end">
                {fourDigits(value)}
              </text>
            </g>
          ))}
          {!small &&
            plot.columns.map(([value, x]) => (
              <text key={value} x={x} y={height - 4} textAnchor="middle">
                {exact(value)}
              </text>
            ))}
          {plot.lines.map(({ name, other, band, raw, smoothed, breaks }) => (
            <g key={`${name} ${other}`} stroke={colours[name]} className={other ? "is-other" : ""}>
              {band && <path d={band} fill={colours[name]} className="train-band" />}
              <path d={raw} className={smoothed ? "train-line is-raw" : "train-line"} />
              {smoothed && <path d={smoothed} className="train-line" />}
              {breaks.map((x) => (
                <path key={x} d={`M${x - 4} ${height - BOTTOM}h8l-4 -7z`} className="train-broken" />
              ))}
            </g>
          ))}
          {cursor !== null && (
            <line x1={plot.x(cursor)} x2={plot.x(cursor)} y1={TOP} y2={height - BOTTOM} className="train-cursor" />
          )}
          {!plot.lines.some((one) => one.raw) && (
            <text x={width / 2} y={height / 2} textAnchor="middle">
              {shown.length ? "no numbers yet" : "all curves are hidden"}
            </text>
          )}
        </svg>
      </div>
      {broken.map((one) => (
        <p key={one.name} className="train-nan" role="status">
          {one.name} was NaN or infinite {brokenAt(one.curve)}
        </p>
      ))}
    </figure>
  );
}

/** From which step on a curve has values that are no numbers. */
function brokenAt({ step, broken }: Curve): string {
  const first = step[broken.findIndex((count) => count > 0)] ?? 0;
  const count = broken.reduce((sum, one) => sum + one, 0);
  return count === 1 ? `at step ${exact(first)}` : `${exact(count)} times, first at step ${exact(first)}`;
}

const curvesOf = ({ curve, other }: Series): Curve[] => [curve, other].filter((one) => one !== null);

function valueAt(curve: Curve, step: number): number | null {
  const at = nearest(curve.step, step);
  return at < 0 ? null : (curve.mean[at] ?? null);
}

/** A piece of a line, for the legend. */
const Dash = ({ colour, other }: { colour?: string; other?: boolean }) => (
  <svg width="14" height="8" aria-hidden="true">
    <line x1="0" x2="14" y1="4" y2="4" stroke={colour} className={other ? "is-other" : ""} />
  </svg>
);

const described = (title: string, series: Series[]): string => {
  const values = series.map(({ name, curve }) => `${name} ${fourDigits(curve?.last)}`);
  return `${title}: ${values.join(", ")}. Arrow keys show values.`;
};

interface Line {
  name: string;
  other: boolean;
  band: string;
  raw: string;
  smoothed: string;
  breaks: number[];
}

/** Where everything is drawn. */
function layout(series: Series[], end: number, width: number, height: number, log: boolean, smoothing: number) {
  const all = series.flatMap(curvesOf);
  const last = Math.max(1, end);
  const found = extent(
    all.flatMap((curve) => [...curve.low, ...curve.high]),
    log,
  );
  const [least, most] = found ? padded(found, log) : ([0, 1] as [number, number]);
  const scaled = (value: number) => (log ? Math.log10(value) : value);
  const [bottom, top] = [scaled(least), scaled(most)];
  const room = height - TOP - BOTTOM;
  const x = (step: number) => LEFT + (step / last) * Math.max(1, width - LEFT - RIGHT);
  const y = (value: number) => TOP + room * (1 - (scaled(value) - bottom) / (top - bottom));
  const drawn = (value: number | null) => (value === null || (log && value <= 0) ? null : y(value));
  const each = series.flatMap(({ name, curve, other }) => [
    ...(other ? [{ name, curve: other, other: true }] : []),
    ...(curve ? [{ name, curve, other: false }] : []),
  ]);
  const lines: Line[] = each.map(({ name, other, curve }) => {
    const xs = curve.step.map(x);
    const breaks = xs.filter((_, place) => (curve.broken[place] ?? 0) > 0);
    return {
      name,
      other,
      band: other ? "" : band(xs, curve.low.map(drawn), curve.high.map(drawn)),
      raw: dotted(xs, curve.mean.map(drawn)),
      smoothed: smoothing > 0 && curve.step.length >= 20 ? line(xs, smooth(curve.mean, smoothing).map(drawn)) : "",
      breaks: breaks.filter((_, place) => place % Math.ceil(breaks.length / 40) === 0),
    };
  });
  const rows = (log ? logTicks([least, most]) : ticks([least, most], height > 120 ? 4 : 2)).map(
    (value) => [value, y(value)] as const,
  );
  const columns = ticks([0, last], Math.max(2, Math.floor(width / 110)))
    .filter((value) => Number.isInteger(value))
    .map((value) => [value, Math.min(x(value), width - RIGHT - 8)] as const);
  const stepAt = (pixels: number) => ((pixels - LEFT) / Math.max(1, width - LEFT - RIGHT)) * last;
  return { x, lines, rows, columns, stepAt };
}

/** A line; a point that has no neighbour is drawn as a short dash. */
function dotted(xs: number[], ys: (number | null)[]): string {
  const path = line(xs, ys);
  const alone = ys.flatMap((y, at) => {
    const lone = (ys[at - 1] ?? null) === null && (ys[at + 1] ?? null) === null;
    return y !== null && lone ? [`M${((xs[at] ?? 0) - 3).toFixed(1)} ${y.toFixed(1)}h6`] : [];
  });
  return path + alone.join("");
}

/** The area between the least and the greatest values of each point; empty where they are the same. */
function band(xs: number[], lows: (number | null)[], highs: (number | null)[]): string {
  const known = xs.map((_, at) => at).filter((at) => (lows[at] ?? null) !== null && (highs[at] ?? null) !== null);
  if (known.length < 2 || known.every((at) => lows[at] === highs[at])) return "";
  const point = (ys: (number | null)[]) => (at: number) => `${(xs[at] ?? 0).toFixed(1)} ${(ys[at] ?? 0).toFixed(1)}`;
  return `M${known.map(point(highs)).join("L")}L${known.reverse().map(point(lows)).join("L")}Z`;
}

/** A little more than the values need, so that no line lies on the edge. */
function padded([least, most]: [number, number], log: boolean): [number, number] {
  if (log) return least === most ? [least / 2, most * 2] : [least / 1.1, most * 1.1];
  const more = least === most ? Math.abs(least) * 0.1 || 1 : (most - least) * 0.05;
  return [least >= 0 && least - more < 0 ? 0 : least - more, most + more];
}

function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(320);
  useLayoutEffect(() => {
    if (!box.current) return;
    setWidth(box.current.clientWidth || 320);
    const seen = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width || 320));
    seen.observe(box.current);
    return () => seen.disconnect();
  }, []);
  return [box, width];
}
