/** What this browser keeps of each tab, so that a reload goes on with it and a crash loses nothing. */
import type { Viewport } from "@xyflow/react";
import type { Mode, Path } from "./logic/operations";
import type { FileState } from "./store";

/** A step of undo, without what it looked like. */
export interface KeptStep {
  document: string;
  path: Path;
  label: string;
  selection: string[];
}

export interface History {
  past: KeptStep[];
  future: KeptStep[];
  /** The document as its file has it; null where that is the one that is open, or none is. */
  saved: string | null;
}

/** A step whose document lies in the storage under a key. */
export type StoredStep = Omit<KeptStep, "document"> & { key: string };

export interface StoredHistory {
  past: StoredStep[];
  future: StoredStep[];
  saved: string | null;
}

/** The document of a tab, as this browser keeps it. */
export interface Draft {
  tab: string;
  document: string;
  /** What people call it: the graph's name. */
  title: string;
  file: Omit<FileState, "saved">;
  time: number;
  /** Whether its file does not hold it. */
  unsaved: boolean;
  /** Whether it was offered after its tab had gone: it is not offered by itself again. */
  offered?: boolean;
  path?: Path;
  sights?: Record<string, Viewport>;
  selection?: string[];
  lens?: Mode | null;
  /** The steps around it, while they are on their way to the storage. */
  history?: History;
  steps?: StoredHistory;
}

/** Where drafts are kept. */
export interface Drafts {
  all: () => Promise<Draft[]>;
  put: (draft: Draft) => Promise<void>;
  remove: (tabs: string[]) => Promise<void>;
}

export const MOST_DRAFTS = 12;

/** The drafts to offer, newest first: what was not saved in tabs that are gone. */
export const lost = (drafts: Draft[], open: Set<string>): Draft[] =>
  drafts.filter((draft) => draft.unsaved !== false && !open.has(draft.tab)).sort((one, other) => other.time - one.time);

/** The draft that a tab goes on with: its own; where it is the first tab of the browser, the last one of all. */
export function ownDraft(drafts: Draft[], tab: string, isFirst: boolean): Draft | null {
  const own = drafts.find((draft) => draft.tab === tab);
  if (own || !isFirst) return own ?? null;
  return [...drafts].sort((one, other) => other.time - one.time)[0] ?? null;
}

/** As much of the steps as is kept, the nearest first: at most so many, and so many characters. */
export function bounded(history: History, steps = 100, characters = 8 * 2 ** 20): History {
  let [left, room] = [steps, characters - (history.saved?.length ?? 0)];
  const nearest = (all: KeptStep[]): KeptStep[] => {
    let from = all.length;
    while (from > 0 && left > 0 && room >= (all[from - 1]?.document.length ?? 0)) {
      from -= 1;
      left -= 1;
      room -= all[from]?.document.length ?? 0;
    }
    return all.slice(from);
  };
  return { past: nearest(history.past), future: nearest(history.future), saved: history.saved };
}

/** The tabs whose drafts are given up, so that at most `most` stay: the oldest of closed tabs first,
 * those that were saved before others, never `mine`. */
export function surplus(drafts: Draft[], mine: string, open: Set<string>, most = MOST_DRAFTS): string[] {
  const others = drafts.filter((draft) => draft.tab !== mine);
  const order = others.sort(
    (one, other) =>
      Number(open.has(one.tab)) - Number(open.has(other.tab)) ||
      Number(one.unsaved !== false) - Number(other.unsaved !== false) ||
      one.time - other.time,
  );
  return order.slice(0, Math.max(0, drafts.length - most)).map((draft) => draft.tab);
}

/** Keeps the newest state of this tab, one write after the other; states in between are skipped. */
export class Keeper {
  private next: Draft | "nothing" | null = null;
  private writing: Promise<void> | null = null;
  private failed = false;
  private kept = false;

  constructor(
    private readonly drafts: Drafts,
    readonly tab: string,
    private readonly openTabs: () => Promise<Set<string>>,
    private readonly onFailure: (reason: string) => void,
  ) {}

  /** Whether work is safe in this browser. */
  get works(): boolean {
    return !this.failed;
  }

  /** Keep a draft, or (null) forget the one that is kept. */
  keep(draft: Draft | null): Promise<void> {
    if (!draft && !this.kept && !this.next) return Promise.resolve();
    this.next = draft ?? "nothing";
    this.writing ??= this.write().finally(() => {
      this.writing = null;
    });
    return this.writing;
  }

  private async write(): Promise<void> {
    while (this.next) {
      const draft = this.next;
      this.next = null;
      try {
        if (draft === "nothing") await this.drafts.remove([this.tab]);
        else await this.putting(draft);
        this.kept = draft !== "nothing";
        this.failed = false;
      } catch (error) {
        if (!this.failed) this.onFailure(error instanceof Error ? error.message : String(error));
        this.failed = true;
      }
    }
  }

  /** Where there is no room, older drafts of closed tabs make some. */
  private async putting(draft: Draft): Promise<void> {
    if (!this.kept) {
      const [all, open] = await Promise.all([this.drafts.all(), this.openTabs()]);
      await this.drafts.remove(surplus([...all.filter((one) => one.tab !== this.tab), draft], this.tab, open));
    }
    await this.drafts.put(draft);
  }
}
