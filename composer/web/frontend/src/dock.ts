/** The dock of Gradio tabs below the canvas: Run, Train, YAML, Code, Summary, Export. */

import { bytes, exact } from "./logic/format";
import type { Operation } from "./logic/operations";
import type { EditStep } from "./payloads";
import { USUAL, useSizes, within } from "./sizes";
import { useComposer } from "./store";

let debounce = 0;

export const DOCK_TABS = ["Run", "Train", "YAML", "Code", "Summary", "Export"] as const;
export type DockTab = (typeof DOCK_TABS)[number];

const TAB = '#composer-dock [role="tab"][data-tab-id]';

const tabs = () =>
  [...document.querySelectorAll<HTMLElement>(TAB)].filter((tab) => tab.offsetParent !== null || tab.id);

export const dockIsOpen = (): boolean => document.body.classList.contains("composer-dock-open");

/** The height of the dock with curves in it, in pixels, where nobody chose another one. */
const TRAIN = 440;

/** The tab that was open, for a reload of this page. */
const KEY = "composer.dock";

const soon: [DockTab, () => void][] = [];

/** Have something begin as soon as a tab is asked for: Gradio takes its time to draw it. */
export const whenAskedFor = (tab: DockTab, begin: () => void): void => void soon.push([tab, begin]);

const ask = (tab?: string): void => {
  for (const [name, begin] of soon) if (name === tab) begin();
};

const named = (tab: Element): string => tab.textContent?.trim() ?? "";

const selected = (): string => {
  const tab = tabs().find((one) => one.ariaSelected === "true");
  return tab ? named(tab) : "";
};

/** The tab that was asked for and is not shown yet: the toolbar is there before Gradio has drawn its tabs. */
let wanted = "";
let attempt = 0;

const shown = (): string => wanted || selected();

export function openDock(tab?: string): void {
  ask(tab || shown());
  document.body.classList.add("composer-dock-open");
  if (DOCK_TABS.some((one) => one === tab)) wanted = tab ?? "";
  select();
  remember();
  sendDocument();
}

/** Click the tab that is wanted until it is shown. */
function select(): void {
  window.clearTimeout(attempt);
  if (!wanted) return;
  if (selected() === wanted) {
    wanted = "";
    fitDock();
    return;
  }
  const [tab, before] = [tabs().find((one) => named(one) === wanted), wanted];
  tab?.click();
  wanted = before;
  attempt = window.setTimeout(select, 50);
}

function remember(): void {
  fitDock();
  if (dockIsOpen()) sessionStorage.setItem(KEY, shown());
  else sessionStorage.removeItem(KEY);
}

/** Open the dock as it was before the page was loaded again. */
export function reopenDock(): void {
  const tab = sessionStorage.getItem(KEY);
  if (tab !== null && !dockIsOpen()) openDock(tab);
}

export function closeDock(): void {
  wanted = "";
  document.body.classList.remove("composer-dock-open");
  document.documentElement.style.setProperty("--composer-dock", "0px");
  remember();
}

/** Give the open dock its height, as far as the window has it. */
function fitDock(): void {
  if (!dockIsOpen()) return;
  const sizes = useSizes.getState();
  const grown = shown() === "Train" && sizes.dock === USUAL.dock ? { ...sizes, dock: TRAIN } : sizes;
  const height = within("dock", grown, window);
  document.documentElement.style.setProperty("--composer-dock", `${height}px`);
}

/** Send the dock what is on the canvas, so that YAML, Code and Summary follow. */
export function sendDocument(): void {
  window.clearTimeout(debounce);
  debounce = window.setTimeout(() => {
    if (!dockIsOpen()) return;
    const { document: text, bridge, notify } = useComposer.getState();
    try {
      bridge.host.trigger("document_change", { document: text });
    } catch (error) {
      notify("error", `The dock below does not follow the graph: ${error instanceof Error ? error.message : error}`);
    }
  }, 300);
}

/** A repair that the dock offers is applied as one step; what was said of the graph before is then no longer true. */
async function applyFix(button: HTMLElement): Promise<void> {
  const { message, edits } = JSON.parse(button.dataset.fix ?? "{}") as { message: string; edits: EditStep[] };
  const operation: Operation = { op: "set", edits, fix: true };
  if (!(await useComposer.getState().edit([operation], { label: `fix: ${message}` }))) return;
  const done = document.createElement("li");
  done.className = "dock-done";
  done.textContent = `Done: ${message}. Run again.`;
  button.closest(".dock-problems")?.replaceChildren(done);
}

document.addEventListener("click", ({ target }) => {
  if (!(target instanceof Element)) return;
  const button = target.closest<HTMLElement>("#composer-dock [data-fix]");
  if (button) void applyFix(button);
  const tab = target.closest(TAB);
  if (!tab) return;
  wanted = "";
  ask(named(tab));
  window.setTimeout(remember);
});

/** A file that is handed to the dock and that the server would not take is named here: Gradio says little of it. */
function refuseLarge(event: Event, files: FileList | null | undefined): void {
  const most = window.gradio_config?.max_file_size ?? Number.POSITIVE_INFINITY;
  const large = [...(files ?? [])].find((file) => file.size > most);
  if (!large || !(event.target instanceof Element) || !event.target.closest("#composer-dock")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.target instanceof HTMLInputElement) event.target.value = "";
  else event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
  const [found, expected] = [large.size, most].map((size) => `${exact(size)} bytes (${bytes(size)})`);
  useComposer.getState().notify("error", `${large.name} is too large: ${found}; an upload has at most ${expected}.`);
}

document.addEventListener("change", (event) => refuseLarge(event, (event.target as HTMLInputElement).files), true);
document.addEventListener("drop", (event) => refuseLarge(event, event.dataTransfer?.files), true);
document.addEventListener("paste", (event) => refuseLarge(event, event.clipboardData?.files), true);

useComposer.subscribe((state, before) => {
  if (state.document !== before.document) sendDocument();
});
useSizes.subscribe(fitDock);
window.addEventListener("resize", fitDock);

declare global {
  interface Window {
    gradio_config?: { max_file_size?: number };
    /** `typed`: text in the YAML tab that was not applied. */
    composerDock: { open: typeof openDock; close: typeof closeDock; isOpen: typeof dockIsOpen; typed: boolean };
  }
}
window.composerDock = { open: openDock, close: closeDock, isOpen: dockIsOpen, typed: false };
