/** The draft of this tab: what it shows is kept, and shown again after a reload. */
import { Refusal } from "./bridge";
import { focusCanvas } from "./canvas/state";
import { BrowserDrafts } from "./drafts";
import type { GraphView, OpenReply } from "./payloads";
import { type Draft, type History, Keeper, lost, ownDraft } from "./recovery";
import { type Composer, unsaved, useComposer } from "./store";
import { claimTab, openTabs, tabsAreKnown } from "./tabs";

const drafts = new BrowserDrafts();
let keeper: Keeper | null = null;

const app = useComposer.getState;

const withoutViews = (steps: Composer["past"]) =>
  steps.map(({ document, path, label, selection }) => ({ document, path, label, selection }));

const withoutText = ({ saved, ...file }: Composer["file"]): Draft["file"] => file;

const draftOf = (state: Composer, tab: string): Draft => ({
  tab,
  document: state.document,
  title: state.view?.name ?? state.file.name,
  file: withoutText(state.file),
  time: Date.now(),
  unsaved: unsaved(state),
  path: state.path,
  sights: state.sights,
  selection: state.selection,
  lens: state.lens,
  history: {
    past: withoutViews(state.past),
    future: withoutViews(state.future),
    saved: unsaved(state) && state.file.saved ? state.file.saved : null,
  },
});

/** Whether there is nothing in it that anybody did: an empty graph that was just begun. */
const isFresh = (state: Composer): boolean =>
  !state.view || (state.file.place === "none" && !unsaved(state) && !state.past.length && !state.future.length);

/** What is kept; a change of anything else is none. */
const KEPT = ["document", "file", "path", "sights", "selection", "lens", "past", "future"] as const;

/** What is found when the page is loaded. */
export interface Found {
  /** What this tab goes on with. */
  mine: Draft | null;
  /** What tabs that are gone have left unsaved. */
  lost: Draft[];
}

let begun: Promise<Found> | null = null;

/** Find out which tab this is and what was kept; once, however often the page is drawn anew. */
export function findKept(): Promise<Found> {
  begun ??= find();
  return begun;
}

async function find(): Promise<Found> {
  const tab = await claimTab();
  keeper = new Keeper(drafts, tab.name, openTabs, (reason) =>
    app().notify("error", `This browser can't keep unsaved work (${reason}): save often.`),
  );
  try {
    const [all, open] = await Promise.all([drafts.all(), openTabs()]);
    const others = [...open].filter((name) => name !== tab.name);
    const isFirst = !tab.known && tabsAreKnown() && !others.length;
    const mine = ownDraft(all, tab.copyOf ?? tab.name, isFirst);
    const left = lost(all, new Set([...open, tab.name])).filter((draft) => draft !== mine);
    return { mine, lost: left };
  } catch {
    return { mine: null, lost: [] }; // reported when the first change is to be kept
  }
}

let keeping = false;

/** Keep every change from now on. */
export function keepChanges(): void {
  if (keeping || !keeper) return;
  keeping = true;
  const { tab } = keeper;
  const keep = (state: Composer) => keeper?.keep(isFresh(state) ? null : draftOf(state, tab));
  useComposer.subscribe((state, before) => {
    if (KEPT.some((key) => state[key] !== before[key])) void keep(state);
  });
  window.addEventListener("beforeunload", (event) => {
    const lostWork = unsaved(app()) && !keeper?.works;
    if (lostWork || window.composerDock.typed) event.preventDefault();
  });
}

/** Show what was kept, as it was left; why not, where the server cannot read it. Its own place in the storage is freed. */
export async function resume(draft: Draft): Promise<string | null> {
  const { bridge, show, set } = app();
  const history = await drafts.history(draft).catch(() => null);
  try {
    const now = await fileOf(draft);
    if (now && now.version !== draft.file.version) show(now);
    else {
      const path = draft.path ?? [];
      const view = await bridge.call<GraphView>("look", { document: draft.document, path });
      const file = now || draft.unsaved !== false || draft.file.place !== "workspace" ? draft.file : orphan(draft);
      show({ document: draft.document, view, notes: [], ...file });
      set(left(draft, history, file.place));
      focusCanvas();
    }
  } catch (error) {
    if (error instanceof Refusal && !error.offline) return error.message;
    throw error;
  }
  void takeOver(draft).catch(() => undefined); // it is offered again then
  return null;
}

/** Keep as this tab's own what another tab that is gone had kept. */
async function takeOver(draft: Draft): Promise<void> {
  if (!keeper || draft.tab === keeper.tab || (await openTabs()).has(draft.tab)) return;
  await keeper.keep(draftOf(app(), keeper.tab));
  if (keeper.works) await forget([draft]);
}

/** What the file of a draft holds now, where the draft is what the file held; null where there is none. */
async function fileOf({ file, unsaved: changed }: Draft): Promise<OpenReply | null> {
  if (changed !== false || file.place !== "workspace") return null;
  try {
    return await app().bridge.call<OpenReply>("open", { place: file.place, name: file.name });
  } catch (error) {
    if (error instanceof Refusal && !error.offline) return null;
    throw error;
  }
}

/** The file of a graph whose file is gone. */
const orphan = ({ file }: Draft): Draft["file"] => ({ name: file.name, place: "none", version: null });

const unseen = (steps: History["past"]) => steps.map((step) => ({ ...step, view: null }));

/** What belongs to the open graph beside its document. */
function left(draft: Draft, history: History | null, place: Draft["file"]["place"]): Partial<Composer> {
  const { file, view } = app();
  const { run, imported } = draft.file;
  const isSaved = draft.unsaved === false && place === draft.file.place;
  const names = new Set(
    [...(view?.nodes ?? []), ...(view?.comments ?? [])].map((box) => ("name" in box ? box.name : box.id)),
  );
  return {
    file: { ...file, run, imported, saved: isSaved ? draft.document : (history?.saved ?? "") },
    past: unseen(history?.past ?? []),
    future: unseen(history?.future ?? []),
    sights: draft.sights ?? {},
    selection: (draft.selection ?? []).filter((name) => names.has(name)),
    lens: draft.lens ?? null,
  };
}

/** Throw drafts away. */
export const forget = (gone: Draft[]): Promise<void> => drafts.remove(gone.map((draft) => draft.tab));

/** Do not offer drafts by themselves again; they stay in the gallery. */
export async function offeredOnce(offered: Draft[]): Promise<void> {
  for (const draft of offered) await drafts.put({ ...draft, offered: true });
}
