/** Which tab this is: a reload is the same tab, and each open tab holds a lock by its name. */

const LOCK = "composer-tab-";
const KEY = "composer.tab";
const TRIES = 10;

export interface Tab {
  name: string;
  /** Whether the tab was here before: it was loaded again, or the browser brought it back. */
  known: boolean;
  /** The tab that this one was duplicated from, which is still open. */
  copyOf: string | null;
}

/** A name for this tab that no other has; also where the page is not served securely. */
const newName = (): string =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");

/** Find out which tab this is, and hold its lock as long as it lives. */
export async function claimTab(): Promise<Tab> {
  const before = remembered();
  if (before && (await held(before))) return { name: before, known: true, copyOf: null };
  const name = newName();
  await held(name);
  try {
    sessionStorage.setItem(KEY, name);
  } catch {
    // no storage: a reload is another tab then
  }
  return { name, known: before !== null, copyOf: before };
}

function remembered(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Take a tab's lock; the page that was loaded before may need a moment to let go of it. */
async function held(name: string): Promise<boolean> {
  if (!navigator.locks) return true;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const got = await new Promise<boolean>((resolve) => {
      void navigator.locks.request(LOCK + name, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock ? new Promise(() => undefined) : undefined;
      });
    });
    if (got) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** The tabs of composer that are open in this browser. */
export async function openTabs(): Promise<Set<string>> {
  const locks = navigator.locks ? ((await navigator.locks.query()).held ?? []) : [];
  return new Set(
    locks
      .map((lock) => lock.name ?? "")
      .filter((name) => name.startsWith(LOCK))
      .map((name) => name.slice(LOCK.length)),
  );
}

/** Whether it can be known which tabs are open. */
export const tabsAreKnown = (): boolean => Boolean(navigator.locks);
