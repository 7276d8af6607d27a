/** The palette follows the files of components: a person's own may change while the page is open. */
import { Refusal } from "./bridge";
import type { CatalogView, TextReply } from "./payloads";
import { useComposer } from "./store";

const PAUSE = 2000;

let following = false;

/** Ask from time to time whether a file of components changed; nothing is asked where none can. */
export function followCatalog(): void {
  if (following || !useComposer.getState().catalog?.watched) return;
  following = true;
  const later = () => window.setTimeout(() => void refreshed().finally(later), PAUSE);
  later();
}

async function refreshed(): Promise<void> {
  const { bridge, catalog, offline, set, look } = useComposer.getState();
  if (document.hidden || offline || !catalog) return;
  try {
    const { text } = await bridge.call<TextReply>("revision", {});
    if (text === catalog.revision) return;
    const now = await bridge.call<CatalogView>("catalog", {});
    set({ catalog: now });
    await look();
    announce(catalog, now);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // the next change of the graph shows that nobody answers
  }
}

/** Say what changed: a file that is broken now, or that components are there or gone. */
function announce(before: CatalogView, now: CatalogView): void {
  const { notify } = useComposer.getState();
  const [broken] = now.problems;
  if (broken) {
    notify("error", `${broken.subject}${broken.line ? `, line ${broken.line}` : ""}: ${broken.message}`);
    return;
  }
  const [old, fresh] = [before, now].map((one) => new Set(one.components.map((component) => component.type)));
  const added = [...(fresh ?? [])].filter((type) => !old?.has(type));
  const gone = [...(old ?? [])].filter((type) => !fresh?.has(type));
  const parts = [added.length && `new: ${added.join(", ")}`, gone.length && `gone: ${gone.join(", ")}`].filter(Boolean);
  notify("info", `The components were read again${parts.length ? ` (${parts.join("; ")})` : ""}.`);
}
