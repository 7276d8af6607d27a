/** Numbers and states of runs as people read them. */
import type { TrainRow } from "../../payloads";

const STATES: Record<TrainRow["state"], string> = {
  queued: "waiting",
  starting: "starting",
  running: "running",
  stopping: "stopping",
  finished: "finished",
  stopped: "stopped",
  failed: "failed",
  died: "died",
};

export const stateWords = (row: TrainRow): string =>
  row.state === "queued" ? `waiting, number ${row.position}` : STATES[row.state];

/** Four digits: `0.9123`, `1.2e-5`. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return "NaN";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** `4 s`, `2 min 10 s`, `3 h 5 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const parts: [number, string][] = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const at = parts.findIndex(([size]) => whole >= size);
  const [[large, one], [small, two]] = [parts[at], parts[at + 1]] as [[number, string], [number, string]];
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${one}${rest ? ` ${rest} ${two}` : ""}`;
}

/** When, as short as it is clear: `14:05` today, `27 Nov 14:05` this year, else the date. */
export function moment(seconds: number, now: number): string {
  const [time, today] = [new Date(seconds * 1000), new Date(now)];
  const clock = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (time.toDateString() === today.toDateString()) return clock;
  const day = time.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return time.getFullYear() === today.getFullYear() ? `${day} ${clock}` : `${day} ${time.getFullYear()}`;
}
