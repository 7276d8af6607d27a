/** What the Train tab shows. What is trained lies on the server: nothing of it is kept here but what was read last. */
import { create } from "zustand";
import type { TrainRunsView, TrainRunView } from "../payloads";
import { NEWEST, type Sort } from "./runs/table";

export type Side = "setup" | "runs";

interface Train {
  /** Null until the first answer says whether there are runs: then the one, else the other. */
  side: Side | null;
  table: TrainRunsView | null;
  /** A run that came with the table, for a tab that opens. */
  ready: TrainRunView | null;
  /** The run that is looked at. */
  chosen: string | null;
  /** The run whose curves are laid over those of the chosen one. */
  against: string | null;
  sort: Sort;
  set: (part: Partial<Train>) => void;
  /** Look at a run. */
  show: (run: string) => void;
}

export const useTrain = create<Train>()((set) => ({
  side: null,
  table: null,
  ready: null,
  chosen: null,
  against: null,
  sort: NEWEST,
  set: (part) => set(part),
  show: (run) => set({ side: "runs", chosen: run }),
}));

/** The states of a run whose process is there. */
export const isActive = (state: string): boolean => state === "starting" || state === "running" || state === "stopping";
