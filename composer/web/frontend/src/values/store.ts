/** The last two passes of Run, and the training that is watched: numbers of every node, as the canvas shows them. */
import { create } from "zustand";
import { Refusal } from "../bridge";
import {
  byNode,
  type Looks,
  looksOfPass,
  looksOfTraining,
  type NodeValues,
  OF_PASS,
  OF_TRAINING,
  OF_TWO,
  type Statistic,
} from "../logic/nodeValues";
import type { PassView, TrainNodesView } from "../payloads";
import { useComposer } from "../store";

export interface Pass {
  /** Counts the passes of this page. */
  number: number;
  view: PassView;
  nodes: NodeValues;
}

export type Source = "run" | "training";

interface Values {
  now: Pass | null;
  before: Pass | null;
  training: TrainNodesView | null;
  /** Which of the two is on the canvas. */
  source: Source;
  /** What colours the nodes; null for none, then NaN alone is shown. */
  statistic: Statistic | null;
  /** Whether the canvas shows nothing of it. */
  hidden: boolean;
  /** What the canvas draws, by path. */
  looks: Looks;
  /** Whether the table compares the two passes. */
  comparing: boolean;
  set: (part: Partial<Pick<Values, "source" | "statistic" | "hidden" | "comparing" | "training">>) => void;
  put: (view: PassView) => void;
  /** Forget the pass before. */
  forget: () => void;
}

const NONE: Looks = { nodes: new Map(), low: null, high: null, signed: false, bad: 0 };

function looksOf({ now, before, training, source, statistic, hidden }: Values): Looks {
  if (hidden) return NONE;
  if (source === "training") return training ? looksOfTraining(training, statistic) : NONE;
  return now ? looksOfPass(now.nodes, before?.nodes ?? null, statistic) : NONE;
}

/** The statistics that there are for what is on the canvas. */
export const offered = ({ source, before }: Pick<Values, "source" | "before">): Statistic[] =>
  source === "training" ? OF_TRAINING : before ? [...OF_PASS, ...OF_TWO] : OF_PASS;

export const useValues = create<Values>()((set) => {
  const change = (part: (state: Values) => Partial<Values>) =>
    set((state) => {
      const next = { ...state, ...part(state) };
      if (next.statistic && !offered(next).includes(next.statistic)) next.statistic = "mean";
      return { ...next, looks: looksOf(next) };
    });
  return {
    now: null,
    before: null,
    training: null,
    source: "run",
    statistic: null,
    hidden: false,
    looks: NONE,
    comparing: false,
    set: (part) => change(() => part),
    put: (view) =>
      change(({ now }) => ({
        now: { number: (now?.number ?? 0) + 1, view, nodes: byNode(view.rows) },
        before: now,
        source: "run",
      })),
    forget: () => change(() => ({ before: null, comparing: false })),
  };
});

/** Read the numbers of a pass that has ended; the one before is kept beside it. */
export async function passed(name: string): Promise<void> {
  try {
    useValues.getState().put(await useComposer.getState().bridge.call<PassView>("run_values", { name }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (!error.offline) useComposer.getState().notify("error", error.message);
  }
}

/** The path of a box of the open scope. */
export const pathOf = (path: string[], name: string): string => [...path, name].join(".");
