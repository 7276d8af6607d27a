import type { ReactFlowInstance } from "@xyflow/react";
import { create } from "zustand";
import type { Target } from "../payloads";
import type { Box, Wire } from "./drawing";

export type Point = [number, number];

/** Something that is open over the canvas. */
export type Popup =
  | { kind: "search"; at: Point; spot: Point | null; source?: string; target?: Target }
  | { kind: "connect"; node: string }
  | { kind: "menu"; at: Point; about: "node" | "wire" | "comment" | "canvas" };

/** A wire that is being dragged: where from, and why each end can't take it (null: it can). */
export interface Wiring {
  end: string;
  from: "source" | "target";
  reasons: Map<string, string | null> | null;
}

/** What the canvas knows beyond the document: nothing of it is saved. */
interface CanvasState {
  flow: ReactFlowInstance<Box, Wire> | null;
  root: HTMLElement | null;
  popup: Popup | null;
  /** The box whose name is typed. */
  renaming: string | null;
  /** Output ports that are opened into their levels, `scope/backbone.out`. */
  levels: ReadonlySet<string>;
  wiring: Wiring | null;
  set: (part: Partial<CanvasState>) => void;
}

export const useCanvas = create<CanvasState>()((set) => ({
  flow: null,
  root: null,
  popup: null,
  renaming: null,
  levels: new Set<string>(),
  wiring: null,
  set: (part) => set(part),
}));

/** Give the canvas the keyboard: its shortcuts work from then on. */
export const focusCanvas = (): void => useCanvas.getState().root?.focus({ preventScroll: true });

/** Where the pointer was last, on the screen; null outside of the canvas. */
export const pointer: { at: Point | null } = { at: null };
