import type { ReactFlowInstance, Viewport } from "@xyflow/react";
import { create } from "zustand";
import type { Point } from "../logic/geometry";
import type { Corner } from "../logic/routes";
import type { BoxFit, Target } from "../payloads";
import type { Box, Wire } from "./drawing";

/** Something that is open over the canvas. */
export type Popup =
  | { kind: "search"; at: Point; spot: Point | null; source?: string; target?: Target }
  | { kind: "connect"; node: string }
  | { kind: "replace"; node: string }
  | { kind: "insert"; wire: string }
  | { kind: "ends"; at: Point; title: string; ends: string[]; take: (end: string) => void }
  | { kind: "menu"; at: Point; about: "node" | "wire" | "comment" | "canvas" };

/** A wire that is being dragged: where from, why each end can't take it (null: it can), and its best ends by box. */
export interface Wiring {
  end: string;
  from: "source" | "target";
  reasons: Map<string, string | null> | null;
  boxes: Map<string, BoxFit> | null;
}

/** What lies under something that is dragged, and what would come of letting go there. */
export interface Over {
  kind: "box" | "wire";
  id: string;
  at: Point;
  words: string;
  /** Nothing would come of it: the words say why. */
  refused: boolean;
}

/** A part of the palette that is being dragged. */
export interface Carried {
  name: string;
  colour: string;
  at: Point;
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
  /** While a frame is drawn: the boxes that were selected before, to which it adds. */
  frame: string[] | null;
  over: Over | null;
  carried: Carried | null;
  /** Which document and scope the boxes are of that are drawn now; they follow the store once they have places. */
  drawn: string;
  /** What was shown of a graph that is too large to be seen whole, when it was opened. */
  beginning: Viewport | null;
  /** Whether the map is shown: as long as nothing lies under it, always, or never. */
  map: "free" | "always" | "never";
  mapFree: boolean;
  /** The corners of wires that go around boxes, by their ids. */
  routes: ReadonlyMap<string, Corner[]>;
  set: (part: Partial<CanvasState>) => void;
}

export const useCanvas = create<CanvasState>()((set) => ({
  flow: null,
  root: null,
  popup: null,
  renaming: null,
  levels: new Set<string>(),
  wiring: null,
  frame: null,
  over: null,
  carried: null,
  drawn: "",
  beginning: null,
  map: "free",
  mapFree: false,
  routes: new Map<string, Corner[]>(),
  set: (part) => set(part),
}));

/** Give the canvas the keyboard: its shortcuts work from then on. */
export const focusCanvas = (): void => useCanvas.getState().root?.focus({ preventScroll: true });

/** Where the pointer was last, on the screen; null outside of the canvas. */
export const pointer: { at: Point | null } = { at: null };

export const isMapShown = ({ map, mapFree }: CanvasState): boolean => map === "always" || (map === "free" && mapFree);

/** Close what is open over the canvas, and give it the keyboard back. */
export function closePopup(): void {
  const { set, root } = useCanvas.getState();
  set({ popup: null });
  root?.focus({ preventScroll: true });
}
