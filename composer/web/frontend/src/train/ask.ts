/** Questions of the Train tab to the server. */
import { Refusal } from "../bridge";
import { whenAskedFor } from "../dock";
import type { TrainRunsView } from "../payloads";
import { useComposer } from "../store";
import { useTrain } from "./store";

/** Ask the server something that is not about the document that is shown. */
export const ask = <T>(name: string, payload: object = {}): Promise<T> =>
  useComposer.getState().bridge.call<T>(`train_${name}`, payload);

/** Ask the server something about what comes before a training. */
export const askSetup = <T>(name: string, payload: object): Promise<T> =>
  useComposer.getState().bridge.call<T>(`setup_${name}`, payload);

/** Do something with a run; what was refused is shown. Null where it was. */
export async function act<T>(name: string, payload: object = {}): Promise<T | null> {
  try {
    const found = await ask<T>(name, payload);
    void readNow();
    return found;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    useComposer.getState().notify("error", error.message);
    return null;
  }
}

/** A table that was read so lately is not read again by a tab that opens. */
const FRESH = 400;
let under: Promise<void> | null = null;
let readAt = Number.NEGATIVE_INFINITY;

/** Read the table of runs, unless that is under way or was done a moment ago. */
export function readTable(): Promise<void> {
  if (under) return under;
  if (performance.now() - readAt < FRESH) return Promise.resolve();
  under = readNow().finally(() => {
    under = null;
  });
  return under;
}

async function readNow(): Promise<void> {
  const before = useTrain.getState();
  const look = before.table === null && before.side !== "setup" ? (before.chosen ?? "") : null;
  const table = await ask<TrainRunsView>("runs", { look });
  readAt = performance.now();
  const { side, chosen } = useTrain.getState();
  useTrain.getState().set({
    table,
    ready: table.run,
    side: side ?? (table.rows.length ? "runs" : "setup"),
    chosen: table.rows.some((row) => row.name === chosen) ? chosen : (table.rows[0]?.name ?? null),
  });
}

whenAskedFor("Train", () => {
  readTable().catch(() => undefined); // the tab asks again, and says so
});
