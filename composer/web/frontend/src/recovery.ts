import { Refusal } from "./bridge";
import { focusCanvas } from "./canvas/state";
import type { GraphView } from "./payloads";
import { type Composer, type FileState, unsaved, useComposer } from "./store";

/** A document that was not saved, as this browser keeps it: one for each tab. */
export interface Draft {
  tab: string;
  document: string;
  /** What people call it: the graph's name. */
  title: string;
  file: Omit<FileState, "saved">;
  time: number;
}

/** Where drafts are kept. */
export interface Drafts {
  all: () => Promise<Draft[]>;
  put: (draft: Draft) => Promise<void>;
  remove: (tabs: string[]) => Promise<void>;
}

export const MOST_DRAFTS = 12;

/** The drafts to offer, newest first: those whose tab is gone. */
export const lost = (drafts: Draft[], open: Set<string>): Draft[] =>
  drafts.filter((draft) => !open.has(draft.tab)).sort((one, other) => other.time - one.time);

/** The tabs whose drafts are given up, so that at most `most` stay: the oldest of closed tabs first, never `mine`. */
export function surplus(drafts: Draft[], mine: string, open: Set<string>, most = MOST_DRAFTS): string[] {
  const others = drafts.filter((draft) => draft.tab !== mine);
  const order = others.sort(
    (one, other) => Number(open.has(one.tab)) - Number(open.has(other.tab)) || one.time - other.time,
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
    private readonly told: (reason: string) => void,
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
        if (!this.failed) this.told(error instanceof Error ? error.message : String(error));
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

/** Drafts in the browser's IndexedDB. */
export class BrowserDrafts implements Drafts {
  private database: Promise<IDBDatabase> | null = null;

  all = async (): Promise<Draft[]> => this.done("readonly", (store) => store.getAll() as IDBRequest<Draft[]>);
  put = async (draft: Draft): Promise<void> => void (await this.done("readwrite", (store) => store.put(draft)));
  remove = async (tabs: string[]): Promise<void> => {
    for (const tab of tabs) await this.done("readwrite", (store) => store.delete(tab));
  };

  private open(): Promise<IDBDatabase> {
    this.database ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("composer", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("drafts", { keyPath: "tab" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("its storage does not open"));
    });
    return this.database;
  }

  private async done<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const transaction = (await this.open()).transaction("drafts", mode);
    return new Promise((resolve, reject) => {
      const request = work(transaction.objectStore("drafts"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("its storage is full"));
    });
  }
}

const LOCK = "composer-tab-";

/** The tabs of composer that are open in this browser; each holds a lock as long as it lives. */
async function openTabs(): Promise<Set<string>> {
  const held = navigator.locks ? ((await navigator.locks.query()).held ?? []) : [];
  return new Set(
    held
      .map((lock) => lock.name ?? "")
      .filter((name) => name.startsWith(LOCK))
      .map((name) => name.slice(LOCK.length)),
  );
}

/** A name for this tab that no other has; also where the page is not served securely. */
const newTab = (): string =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");

const drafts = new BrowserDrafts();
const keeper = new Keeper(drafts, newTab(), openTabs, (reason) =>
  useComposer.getState().tell("error", `This browser can't keep unsaved work (${reason}): save often.`),
);

const draftOf = (state: Composer): Draft => ({
  tab: keeper.tab,
  document: state.document,
  title: state.view?.name ?? state.file.name,
  file: { name: state.file.name, place: state.file.place, version: state.file.version },
  time: Date.now(),
});

let begun = false;

/** Keep every change from now on (once, however often the page is drawn anew), and give what closed tabs have left behind. */
export async function beginRecovery(): Promise<Draft[]> {
  if (begun) return [];
  begun = true;
  if (navigator.locks) void navigator.locks.request(LOCK + keeper.tab, () => new Promise(() => undefined));
  useComposer.subscribe((state, before) => {
    if (state.document !== before.document || state.file !== before.file) {
      void keeper.keep(unsaved(state) ? draftOf(state) : null);
    }
  });
  window.addEventListener("beforeunload", (event) => {
    const lostWork = unsaved(useComposer.getState()) && !keeper.works;
    if (lostWork || window.composerDock.typed) event.preventDefault();
  });
  try {
    const [all, open] = await Promise.all([drafts.all(), openTabs()]);
    return lost(all, new Set([...open, keeper.tab]));
  } catch {
    return []; // told when the first change is to be kept
  }
}

/** Show a draft as unsaved work; why not, where the server cannot read it. */
export async function restore(draft: Draft): Promise<string | null> {
  const { bridge, show, set } = useComposer.getState();
  try {
    const view = await bridge.call<GraphView>("look", { document: draft.document, path: [] });
    show({ document: draft.document, view, notes: [], ...draft.file });
    focusCanvas();
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
  set({ file: { ...draft.file, saved: "" } });
  void keeper.keep(draftOf(useComposer.getState())).then(() => (keeper.works ? forget([draft]) : undefined));
  return null;
}

/** Throw drafts away. */
export const forget = (gone: Draft[]): Promise<void> => drafts.remove(gone.map((draft) => draft.tab));
