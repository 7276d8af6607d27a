import { useRef, useState } from "react";
import type { Refusal } from "../../bridge";
import type { TrainRow, TrainRunView } from "../../payloads";
import { ask } from "../ask";
import { isActive, useTrain } from "../store";
import { usePoll } from "../usePoll";
import { type Curve, have, joined } from "./curves";

export interface Looked {
  run: TrainRunView;
  curves: Record<string, Curve>;
}

/** A run that is looked at: what is new is asked for again and again, while it goes on more often. */
export function useRun(name: string | null): {
  looked: Looked | null;
  refused: Refusal | null;
  read: () => Promise<void>;
} {
  const [looked, setLooked] = useState(() => readyFor(name));
  const known = useRef<{ name: string | null; curves: Record<string, Curve> }>({ name, curves: looked?.curves ?? {} });
  const read = async () => {
    if (name === null) return;
    if (known.current.name !== name) known.current = { name, curves: {} };
    const mine = known.current;
    const run = await ask<TrainRunView>("run", { name, have: have(mine.curves) });
    if (known.current !== mine) return; // another run is looked at by now
    mine.curves = all(mine.curves, run);
    setLooked({ name, run, curves: mine.curves });
    takeRow(run.row);
  };
  const fresh = looked !== null && looked.name === name ? looked : null;
  const { state = "", read: share = 1 } = { ...fresh?.run.row, ...fresh?.run };
  const working = fresh === null || isActive(state) || state === "queued" || share < 1;
  const refused = usePoll(read, share < 1 ? 50 : working ? 800 : 4000, `${name} ${working}`);
  return { looked: fresh, refused, read };
}

/** Put what is newer about a run into the table. */
function takeRow(row: TrainRow): void {
  const { table, set } = useTrain.getState();
  if (table) set({ table: { ...table, rows: table.rows.map((one) => (one.name === row.name ? row : one)) } });
}

const all = (before: Record<string, Curve>, run: TrainRunView): Record<string, Curve> =>
  Object.fromEntries(Object.entries(run.curves).map(([key, part]) => [key, joined(before[key], part)] as const));

/** What came with the table of a run, so that a tab that opens shows it at once. */
function readyFor(name: string | null): (Looked & { name: string }) | null {
  const { ready } = useTrain.getState();
  return ready !== null && ready.row.name === name ? { name, run: ready, curves: all({}, ready) } : null;
}
