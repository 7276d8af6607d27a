import { type Host, Refusal } from "./bridge";
import { followCatalog } from "./catalogRefresh";
import { guarded, useFiles } from "./dialogs/files";
import { reopenDock } from "./dock";
import type { Operation } from "./logic/operations";
import type { CatalogView, OpenReply } from "./payloads";
import type { Draft } from "./recovery";
import { useComposer } from "./store";
import { findKept, keepChanges, offeredOnce, resume } from "./tabDraft";

let listening = false;

/** Load the catalog, go on with what this tab had open (or an empty graph), and listen to what the server pushes. */
export async function begin(host: Host): Promise<void> {
  if (!listening) host.pushed((value) => void receive(value as Pushed));
  listening = true;
  const { bridge, set, show, catalog } = useComposer.getState();
  try {
    const [found, kept] = await Promise.all([catalog ?? bridge.call<CatalogView>("catalog", {}), findKept()]);
    set({ catalog: found, offline: false });
    followCatalog();
    if (!useComposer.getState().document) {
      const refused = kept.mine && (await resume(kept.mine));
      if (kept.mine && refused) kept.lost.push(kept.mine);
      if (!kept.mine || refused) show(await bridge.call<OpenReply>("new", {}));
      reopenDock();
      keepChanges();
      offerLost(kept.lost);
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    set({ offline: error.offline });
    if (!error.offline) useComposer.getState().notify("error", error.message);
    return;
  }
}

/** Offer what other tabs that were closed or crashed have left unsaved: by itself once, then in the gallery. */
function offerLost(lost: Draft[]): void {
  useFiles.setState({ lost });
  if (lost.every((draft) => draft.offered) || useComposer.getState().dialog) return;
  useComposer.getState().set({ dialog: "recovery" });
  void offeredOnce(lost).catch(() => undefined);
}

/** What the Gradio side pushes: a document that was typed or opened there. */
export interface Pushed {
  revision: number;
  kind: "open" | "replace";
  label?: string;
  reply: OpenReply;
}

async function receive(value: Pushed | null): Promise<void> {
  if (!value) return;
  const { show, replace, notify } = useComposer.getState();
  try {
    if (value.kind === "open") await guarded(() => show(value.reply));
    else replace(value.reply, value.label ?? "YAML");
  } catch (error) {
    notify("error", `What the dock handed over can't be shown: ${error instanceof Error ? error.message : error}`);
  }
}

export const currentDocument = (): string => useComposer.getState().document;
export const currentSelection = (): string => {
  const { path, selection } = useComposer.getState();
  return selection.length === 1 ? [...path, selection[0]].join(".") : "";
};
/** Where the open graph was opened from, so that the dock finds the weights beside it, those of its run, or those that came with it. */
export const currentFile = (): { place: string; name: string } => {
  const { place, name, run, imported } = useComposer.getState().file;
  if (imported) return { place: "import", name: imported };
  return run ? { place: "run", name: run } : { place, name };
};

/** What benchmarks and scripts in the page ask for: how many boxes the open graph has, and an edit of it. */
export const boxes = (): number => useComposer.getState().view?.nodes.length ?? 0;
export const edit = (operations: Operation[]) => useComposer.getState().edit(operations);
