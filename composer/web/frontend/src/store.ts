import type { Viewport } from "@xyflow/react";
import { create } from "zustand";
import { type Bridge, Refusal } from "./bridge";
import { moved } from "./logic/moved";
import { commentBox, type Mode, type Operation, type Path } from "./logic/operations";
import type { CatalogView, EditReply, GraphView, OpenReply, ProblemView } from "./payloads";

/** A document as it was before a step, with what it looked like. */
export interface Step {
  document: string;
  /** Null where the step was kept through a reload: it is asked for when it is shown. */
  view: GraphView | null;
  path: Path;
  label: string;
  selection: string[];
}

export interface FileState {
  name: string;
  place: "workspace" | "shipped" | "none";
  version: string | null;
  /** The run whose graph it is, and whose weights the dock takes. */
  run?: string;
  /** The import that it came from, under whose name the server keeps its weights; until it is saved. */
  imported?: string;
  /** The document as it was when it was opened or saved. */
  saved: string;
}

export interface Toast {
  id: number;
  kind: "error" | "info" | "success";
  text: string;
  /** A line to be copied. */
  code?: string;
}

export type Settle = (view: GraphView, created: string[]) => Operation[];

export interface EditOptions {
  /** What undo says it takes back. */
  label?: string;
  /** Names to select afterwards; by default what was created. */
  select?: string[];
  /** No view is needed: boxes were moved to where they are drawn already. */
  quiet?: boolean;
  /** What follows in the same step, once it is known what was made: boxes that make room. */
  settle?: Settle;
  /** Called with why it was refused, in place of a toast. */
  refused?: (reason: string) => void;
}

/** Operations, or how they are made of what the changes before have left. */
export type Operations = Operation[] | ((view: GraphView | null) => Operation[]);

export type SidePanel = "palette" | "side";
export type Panel = "inspector" | "problems";
export type Dialog =
  | "gallery"
  | "save"
  | "shortcuts"
  | "conflict"
  | "recovery"
  | "unsaved"
  | "failure"
  | "reading"
  | null;

/** What is shown, what was done, and how to change it. The server makes every change of the document. */
export interface Composer {
  bridge: Bridge;
  catalog: CatalogView | null;
  document: string;
  view: GraphView | null;
  path: Path;
  file: FileState;
  /** Counts the documents that were opened, so that each is shown whole. */
  opened: number;
  past: Step[];
  future: Step[];
  /** Where the canvas stood in each scope that somebody moved it in, by the scope's path. */
  sights: Record<string, Viewport>;
  /** Names of selected boxes (nodes, inputs, `outputs.loss`, comments). */
  selection: string[];
  /** Id of the selected wire. */
  wire: string | null;
  /** Ids of the wires that were added to the selection one by one; `wire` is the last of them. */
  wires: string[];
  lens: Mode | null;
  /** Which of the panels beside the canvas are hidden. */
  hidden: Record<SidePanel, boolean>;
  panel: Panel;
  dialog: Dialog;
  /** The box that the canvas brings into the middle; the tick counts up with each wish. */
  centre: { name: string; tick: number } | null;
  /** How boxes make room for those that an edit lets grow; the canvas knows. */
  growing: (() => Settle) | null;
  busy: number;
  offline: boolean;
  toasts: Toast[];
  /** What was said about the document when it was read (parts of a config that were not understood). */
  notes: ProblemView[];

  /** Apply operations as one step of undo; null where they were refused, which a toast says. */
  edit: (operations: Operations, options?: EditOptions) => Promise<EditReply | null>;
  /** Ask the server something about the document that is shown; null where it refused, which a toast says. */
  ask: <T>(name: string, payload: Record<string, unknown>) => Promise<T | null>;
  undo: () => Promise<void>;
  redo: () => Promise<void>;
  enter: (node: string) => Promise<void>;
  leave: (depth: number) => Promise<void>;
  /** Draw the document again: the catalog or the scope changed. */
  look: () => Promise<void>;
  /** Show a document that was opened; the steps before it are forgotten. */
  show: (reply: OpenReply) => void;
  /** Replace the document as one step of undo (YAML that was applied). */
  replace: (reply: OpenReply, label: string) => void;
  select: (names: string[], wire?: string | null) => void;
  /** Select boxes beside the wires that are selected. */
  selectAlso: (names: string[]) => void;
  /** Add a wire to the selection, or take it out. */
  pickWire: (id: string) => void;
  /** Show or hide a panel; remembered for the next visit. */
  toggle: (panel: SidePanel) => void;
  set: (part: Partial<Composer>) => void;
  notify: (kind: Toast["kind"], text: string, code?: string) => void;
}

const made = ({ created, renamed }: EditReply): Pick<EditReply, "created" | "renamed"> => ({ created, renamed });

const HIDDEN = "composer.hidden";

function remembered(): Record<SidePanel, boolean> {
  const found = typeof localStorage === "undefined" ? "" : (localStorage.getItem(HIDDEN) ?? "");
  return { palette: found.includes("palette"), side: found.includes("side") };
}

const STEPS = 300;
let toasts = 0;
let queue: Promise<unknown> = Promise.resolve();
let begun: Promise<void> = Promise.resolve();

/** Changes of the document come one after the other, each to what the one before left. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = queue.then(work, work);
  queue = mine.catch(() => undefined);
  return mine;
}

/** Resolves when every change that was asked for is in the document. */
export async function idle(): Promise<void> {
  await begun;
  await inTurn(async () => undefined);
}

/** What opens the first graph: no change of a document is taken for done before it. */
export function beginWith(work: Promise<void>): void {
  begun = work;
}

/** Those of some boxes that a view has; null where it has none of them. */
function present(view: GraphView, names: string[]): string[] | null {
  const there = new Set([
    ...view.nodes.map((node) => node.name),
    ...view.outputs.map((output) => (output.mode ? `outputs.${output.mode}` : "outputs")),
    ...view.comments.map((comment) => commentBox(comment.id)),
  ]);
  const found = names.filter((name) => there.has(name));
  return found.length ? found : null;
}

export const useComposer = create<Composer>()((set, get) => {
  const refused = (error: unknown, onRefused?: (reason: string) => void): null => {
    if (!(error instanceof Refusal)) throw error;
    set({ offline: error.offline });
    if (onRefused) onRefused(error.message);
    else if (!error.offline) get().notify("error", error.message);
    return null;
  };
  const busy = async <T>(work: () => Promise<T>, onRefused?: (reason: string) => void): Promise<T | null> => {
    set((state) => ({ busy: state.busy + 1 }));
    try {
      const found = await work();
      if (get().offline) set({ offline: false });
      return found;
    } catch (error) {
      return refused(error, onRefused);
    } finally {
      set((state) => ({ busy: state.busy - 1 }));
    }
  };
  const step = (label: string): Step | null => {
    const { document, view, path, selection } = get();
    return view && { document, view, path, label, selection };
  };
  const travel = (from: "past" | "future", to: "past" | "future") =>
    inTurn(async () => {
      const there = get()[from].at(-1);
      const here = there && step(there.label);
      if (!there || !here) return;
      const seen = { document: there.document, path: there.path };
      const view = there.view ?? (await busy(() => get().bridge.call<GraphView>("look", seen)));
      if (!view) return;
      set((state) => ({
        [from]: state[from].slice(0, -1),
        [to]: [...state[to], here],
        document: there.document,
        view,
        path: view.path,
        selection: present(view, state.selection) ?? present(view, there.selection) ?? [],
        wire: null,
        wires: [],
      }));
    });
  const look = async (path: Path) => {
    const view = await busy(() => get().bridge.call<GraphView>("look", { document: get().document, path }));
    if (view) set({ view, path: view.path });
  };

  return {
    bridge: null as unknown as Bridge,
    catalog: null,
    document: "",
    view: null,
    path: [],
    file: { name: "model", place: "none", version: null, saved: "" },
    opened: 0,
    past: [],
    future: [],
    sights: {},
    selection: [],
    wire: null,
    wires: [],
    lens: null,
    hidden: remembered(),
    panel: "inspector",
    dialog: null,
    centre: null,
    growing: null,
    busy: 0,
    offline: false,
    toasts: [],
    notes: [],

    edit: (asked, options = {}) =>
      inTurn(async () => {
        const operations = typeof asked === "function" ? asked(get().view) : asked;
        const { document, path, bridge, opened } = get();
        const before = step(options.label ?? operations[0]?.op ?? "change");
        const settle = options.settle ?? (options.quiet ? undefined : get().growing?.());
        const change = (from: string, wanted: Operation[]) =>
          bridge.call<EditReply>("edit", { document: from, path, operations: wanted, look: !options.quiet });
        const reply = await busy(async () => {
          const first = await change(document, operations);
          const more = first.view && settle ? settle(first.view, first.created) : [];
          return more.length ? { ...(await change(first.document, more)), ...made(first) } : first;
        }, options.refused);
        if (opened !== get().opened) return null; // another graph is shown by now: this was about the one before
        for (const note of reply?.notes ?? []) get().notify("info", note);
        if (!reply || !before || reply.document === document) return reply;
        const select = options.select ?? (reply.created.length ? reply.created : null);
        set((state) => ({
          document: reply.document,
          view: reply.view ?? moved(state.view, operations),
          path: reply.view?.path ?? state.path,
          past: [...state.past, before].slice(-STEPS),
          future: [],
          selection: select ?? state.selection.map((name) => reply.renamed[name] ?? name),
          wire: select ? null : state.wire,
          wires: select ? [] : state.wires,
        }));
        return reply;
      }),
    ask: (name, payload) => busy(() => get().bridge.call(name, payload)),
    undo: () => travel("past", "future"),
    redo: () => travel("future", "past"),
    enter: (node) =>
      inTurn(async () => {
        set({ selection: [], wire: null, wires: [] });
        await look([...get().path, node]);
      }),
    leave: (depth) =>
      inTurn(async () => {
        set({ selection: [], wire: null, wires: [] });
        await look(get().path.slice(0, depth));
      }),
    look: () => inTurn(() => look(get().path)),
    show: (reply) =>
      set({
        opened: get().opened + 1,
        document: reply.document,
        view: reply.view,
        path: reply.view.path,
        file: { name: reply.name, place: reply.place, version: reply.version, saved: reply.document },
        notes: reply.notes,
        past: [],
        future: [],
        sights: {},
        selection: [],
        wire: null,
        wires: [],
      }),
    replace: (reply, label) =>
      void inTurn(async () => {
        const before = step(label);
        set((state) => ({
          document: reply.document,
          view: reply.view,
          path: reply.view.path,
          past: before ? [...state.past, before].slice(-STEPS) : state.past,
          future: [],
          selection: [],
          wire: null,
          wires: [],
        }));
      }),
    toggle: (panel) => {
      const hidden = { ...get().hidden, [panel]: !get().hidden[panel] };
      localStorage.setItem(
        HIDDEN,
        Object.keys(hidden)
          .filter((one) => hidden[one as SidePanel])
          .join(" "),
      );
      set({ hidden });
    },
    select: (names, wire = null) => set({ selection: names, wire, wires: [] }),
    selectAlso: (names) =>
      set(({ wire, wires }) => ({ selection: names, wires: wires.length ? wires : wire ? [wire] : [] })),
    pickWire: (id) =>
      set(({ wire, wires }) => {
        const before = wires.length ? wires : wire ? [wire] : [];
        const after = before.includes(id) ? before.filter((one) => one !== id) : [...before, id];
        return { wires: after, wire: after.at(-1) ?? null };
      }),
    set: (part) => set(part),
    notify: (kind, text, code) => {
      const toast = { id: ++toasts, kind, text, code };
      set((state) => ({ toasts: [...state.toasts.filter((one) => one.text !== text).slice(-3), toast] }));
      setTimeout(() => set((state) => ({ toasts: state.toasts.filter((one) => one !== toast) })), code ? 12000 : 6000);
    },
  };
});

export const unsaved = (state: Composer) => state.view !== null && state.document !== state.file.saved;

/** Whether nothing is drawn yet. */
export const isEmpty = ({ view }: Composer): boolean => view?.nodes.length === 0 && view.path.length === 0;
