import type { Host } from "./bridge";
import type { CatalogView, OpenReply } from "./payloads";
import { useComposer } from "./store";

/** Load the catalog and an empty graph, and listen to what the server pushes. */
export async function begin(host: Host): Promise<void> {
  const { bridge, set, show } = useComposer.getState();
  host.pushed((value) => receive(value as Pushed));
  const [catalog, reply] = await Promise.all([
    bridge.call<CatalogView>("catalog", {}),
    bridge.call<OpenReply>("new", {}),
  ]);
  set({ catalog });
  if (!useComposer.getState().document) show(reply);
}

/** What the Gradio side pushes: a document that was typed or opened there. */
export interface Pushed {
  revision: number;
  kind: "open" | "replace";
  label?: string;
  reply: OpenReply;
}

function receive(value: Pushed | null): void {
  if (!value) return;
  const { show, replace } = useComposer.getState();
  if (value.kind === "open") show(value.reply);
  else replace(value.reply, value.label ?? "YAML");
}

export const currentDocument = (): string => useComposer.getState().document;
export const currentSelection = (): string => {
  const { path, selection } = useComposer.getState();
  return selection.length === 1 ? [...path, selection[0]].join(".") : "";
};
