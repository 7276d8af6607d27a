/** The table of runs: its columns, and rows in the order of one of them. */
import type { TrainRow } from "../../payloads";

export type Column = "name" | "graph" | "recipe" | "best" | "state" | "seconds" | "began";

export interface Sort {
  column: Column;
  down: boolean;
}

/** The columns, from left to right; `down` is how a first click sorts. */
export const COLUMNS: { column: Column; title: string; down: boolean }[] = [
  { column: "name", title: "Run", down: false },
  { column: "graph", title: "Graph", down: false },
  { column: "recipe", title: "Recipe", down: false },
  { column: "best", title: "Best", down: true },
  { column: "state", title: "State", down: false },
  { column: "seconds", title: "Time", down: true },
  { column: "began", title: "Started", down: true },
];

/** As the server gives them: what waits, then the newest. */
export const NEWEST: Sort = { column: "began", down: true };

const ORDER = ["running", "starting", "stopping", "queued", "stopped", "failed", "died", "finished"];
const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** What a click on the head of a column asks for. */
export function turned(sort: Sort, column: Column): Sort {
  if (sort.column === column) return { column, down: !sort.down };
  return { column, down: COLUMNS.find((one) => one.column === column)?.down ?? false };
}

/**
 * Rows in the order of a column, equal ones as they came. What has no value comes last, whichever way; numbers of
 * different metrics are never compared: each metric is a group of its own.
 */
export function sorted(rows: TrainRow[], { column, down }: Sort): TrainRow[] {
  if (column === "began") return down ? rows : [...rows].reverse();
  const full = rows.filter((row) => !isEmpty(row, column));
  const sign = down ? -1 : 1;
  const order = (one: TrainRow, other: TrainRow) =>
    (column === "best" ? words.compare(one.metric, other.metric) : 0) || sign * compared(one, other, column);
  return [...full.sort(order), ...rows.filter((row) => isEmpty(row, column))];
}

function isEmpty(row: TrainRow, column: Column): boolean {
  if (column === "best") return row.best === null;
  if (column === "seconds") return row.seconds <= 0;
  return row[column] === "";
}

function compared(one: TrainRow, other: TrainRow, column: Exclude<Column, "began">): number {
  switch (column) {
    case "best":
      return (one.best ?? 0) - (other.best ?? 0);
    case "seconds":
      return one.seconds - other.seconds;
    case "state":
      return ORDER.indexOf(one.state) - ORDER.indexOf(other.state);
    default:
      return words.compare(one[column], other[column]);
  }
}

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

/** What a run does, as people say it. */
export const stateWords = (row: TrainRow): string =>
  row.state === "queued" ? `waiting, number ${row.position}` : STATES[row.state];
