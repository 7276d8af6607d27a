import { type Host, Refusal } from "./bridge";
import { guarded, useFiles } from "./dialogs/files";
import { followCatalog } from "./following";
import type { Operation } from "./operations";
import type { CatalogView, OpenReply } from "./payloads";
import { beginRecovery } from "./recovery";
import { useComposer } from "./store";

let listening = false;

/** Load the catalog and an empty graph, listen to what the server pushes, and offer what was not saved. */
export async function begin(host: Host): Promise<void> {
  if (!listening) host.pushed((value) => void receive(value as Pushed));
  listening = true;
  const { bridge, set, show, catalog } = useComposer.getState();
  try {
    const asked = await Promise.all([
      catalog ?? bridge.call<CatalogView>("catalog", {}),
      bridge.call<OpenReply>("new", {}),
    ]);
    set({ catalog: asked[0], offline: false });
    followCatalog();
    if (!useComposer.getState().document) show(asked[1]);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    set({ offline: error.offline });
    if (!error.offline) useComposer.getState().tell("error", error.message);
    return;
  }
  await offerLost();
}

/** Offer what tabs that were closed or crashed have left, and keep every change from now on. */
async function offerLost(): Promise<void> {
  const lost = await beginRecovery();
  useFiles.setState({ lost });
  if (lost.length && !useComposer.getState().dialog) useComposer.getState().set({ dialog: "recovery" });
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
  const { show, replace, tell } = useComposer.getState();
  try {
    if (value.kind === "open") await guarded(() => show(value.reply));
    else replace(value.reply, value.label ?? "YAML");
  } catch (error) {
    tell("error", `What the dock handed over can't be shown: ${error instanceof Error ? error.message : error}`);
  }
}

export const currentDocument = (): string => useComposer.getState().document;
export const currentSelection = (): string => {
  const { path, selection } = useComposer.getState();
  return selection.length === 1 ? [...path, selection[0]].join(".") : "";
};
/** Where the open graph was opened from, so that the dock finds the weights beside it. */
export const currentFile = (): { place: string; name: string } => {
  const { place, name } = useComposer.getState().file;
  return { place, name };
};

/** What benchmarks and scripts in the page ask for: how many boxes the open graph has, and an edit of it. */
export const boxes = (): number => useComposer.getState().view?.nodes.length ?? 0;
export const edit = (operations: Operation[]) => useComposer.getState().edit(operations);
