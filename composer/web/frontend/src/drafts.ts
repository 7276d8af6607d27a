/** Drafts in the browser's IndexedDB; the documents of their steps lie apart, so that a change writes one of them only. */
import {
  bounded,
  type Draft,
  type Drafts,
  type History,
  type KeptStep,
  type StoredHistory,
  type StoredStep,
} from "./recovery";

/** One store of a database, each transaction a promise. */
class Shelf {
  private database: Promise<IDBDatabase> | null = null;

  constructor(
    private readonly name: string,
    private readonly store: string,
    private readonly keyPath: string,
  ) {}

  async done<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const transaction = (await this.open()).transaction(this.store, mode);
    return new Promise((resolve, reject) => {
      const request = work(transaction.objectStore(this.store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("its storage is full"));
    });
  }

  private open(): Promise<IDBDatabase> {
    this.database ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(this.store, { keyPath: this.keyPath });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("its storage does not open"));
    });
    return this.database;
  }
}

const keysOf = (tab: string) => IDBKeyRange.bound(`${tab}/`, `${tab}/\uffff`);

export class BrowserDrafts implements Drafts {
  private readonly drafts = new Shelf("composer", "drafts", "tab");
  private readonly texts = new Shelf("composer-history", "texts", "key");
  /** The keys of the documents that are kept of this tab's steps. */
  private known = new Map<string, string>();
  private count = 0;

  all = async (): Promise<Draft[]> => this.drafts.done("readonly", (store) => store.getAll() as IDBRequest<Draft[]>);

  put = async (draft: Draft): Promise<void> => {
    const { history, ...record } = draft;
    const gone = new Set(this.known.values());
    let steps = record.steps;
    try {
      if (history) steps = await this.kept(draft.tab, bounded(history), gone);
    } catch {
      steps = undefined; // the work itself matters more than its steps
      gone.clear();
    }
    await this.drafts.done("readwrite", (store) => store.put({ ...record, steps }));
    if (history) for (const key of gone) await this.drop(key);
  };

  remove = async (tabs: string[]): Promise<void> => {
    for (const tab of tabs) {
      await this.drafts.done("readwrite", (store) => store.delete(tab));
      await this.texts.done("readwrite", (store) => store.delete(keysOf(tab)));
    }
  };

  /** The steps that were kept with a draft. */
  history = async ({ tab, steps }: Draft): Promise<History | null> => {
    if (!steps) return null;
    const read = (store: IDBObjectStore) => store.getAll(keysOf(tab)) as IDBRequest<{ key: string; text: string }[]>;
    const found = new Map((await this.texts.done("readonly", read)).map(({ key, text }) => [key, text]));
    const whole = (all: StoredStep[]) =>
      all.flatMap(({ key, ...step }) => {
        const document = found.get(key);
        return document === undefined ? [] : [{ ...step, document }];
      });
    return {
      past: whole(steps.past),
      future: whole(steps.future),
      saved: (steps.saved && found.get(steps.saved)) || null,
    };
  };

  private async kept(tab: string, { past, future, saved }: History, gone: Set<string>): Promise<StoredHistory> {
    const keyed = async (document: string): Promise<string> => {
      const known = this.known.get(document);
      const key = known ?? `${tab}/${Date.now().toString(36)}-${this.count}`;
      if (!known) {
        this.count += 1;
        await this.texts.done("readwrite", (store) => store.put({ key, text: document }));
        this.known.set(document, key);
      }
      gone.delete(key);
      return key;
    };
    const all = async (steps: KeptStep[]): Promise<StoredStep[]> => {
      const stored: StoredStep[] = [];
      for (const { document, ...step } of steps) stored.push({ ...step, key: await keyed(document) });
      return stored;
    };
    return { past: await all(past), future: await all(future), saved: saved === null ? null : await keyed(saved) };
  }

  private async drop(key: string): Promise<void> {
    await this.texts.done("readwrite", (store) => store.delete(key));
    for (const [document, its] of this.known) if (its === key) this.known.delete(document);
  }
}
