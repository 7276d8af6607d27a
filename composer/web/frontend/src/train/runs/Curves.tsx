import { useMemo, useState } from "react";
import type { TrainRunView } from "../../payloads";
import { Chart, type Series } from "./Chart";
import { type Curve, charts } from "./curves";
import type { Looked } from "./useRun";

const COLOURS = ["feature", "image", "label", "tokens", "boxes", "vector", "any"].map((name) => `var(--port-${name})`);

/** The curves of a run, with those of another one in dashes. */
export function Curves({
  run,
  curves,
  other,
}: {
  run: TrainRunView;
  curves: Record<string, Curve>;
  other: Looked | null;
}) {
  const [log, setLog] = useState(false);
  const [smoothing, setSmoothing] = useState(0);
  const groups = useMemo(() => {
    const names = [...new Set([...Object.keys(curves), ...Object.keys(other?.curves ?? {})])];
    return charts(names).map(({ title, names, small }) => ({
      title,
      small,
      series: names.flatMap((name): Series[] => {
        const [mine, theirs] = [curves[name], other?.curves[name]];
        return mine || theirs ? [{ name, curve: mine ?? null, other: theirs ?? null }] : [];
      }),
      colours: Object.fromEntries(names.map((name, at) => [name, COLOURS[at % COLOURS.length] ?? ""] as const)),
    }));
  }, [curves, other]);
  const all = [...Object.values(curves), ...Object.values(other?.curves ?? {})];
  const end = Math.max(0, ...all.map(({ step }) => step.at(-1) ?? 0));
  if (!groups.length) return <p className="train-empty">{waiting(run)}</p>;
  return (
    <>
      <div className="train-tools">
        <label>
          <input type="checkbox" checked={log} onChange={(event) => setLog(event.target.checked)} />
          logarithmic
        </label>
        <label>
          smoothing
          <input
            type="range"
            min={0}
            max={0.98}
            step={0.02}
            value={smoothing}
            onChange={(event) => setSmoothing(Number(event.target.value))}
          />
          <output>{smoothing ? smoothing.toFixed(2) : "off"}</output>
        </label>
        {other && (
          <span className="train-dashes">
            <svg width="22" height="8" aria-hidden="true">
              <line x1="0" x2="22" y1="4" y2="4" stroke="currentColor" strokeDasharray="5 3" />
            </svg>
            <span>{other.run.row.name}</span>
          </span>
        )}
        {run.read < 1 && <span className="composer-soft">{Math.floor(run.read * 100)}% of the log is read</span>}
      </div>
      <div className="train-charts">
        {groups.map((group) => (
          <Chart key={group.title} {...group} end={end} log={log} smoothing={group.small ? 0 : smoothing} />
        ))}
      </div>
    </>
  );
}

function waiting({ row }: TrainRunView): string {
  if (row.state === "queued") return "It starts when the runs before it have ended and there is room.";
  if (row.state === "starting") return "The data is read and the model is built. The first numbers come soon.";
  if (row.state === "running") return "The first numbers come with the first step.";
  return "It made no step.";
}
