/** The dock of Gradio tabs below the canvas: Run, YAML, Code, Summary, Export. */
import { useComposer } from "./store";

const HEIGHT = "composer.dock.height";
const SMALLEST = 160;

let debounce = 0;

export const DOCK_TABS = ["Run", "YAML", "Code", "Summary", "Export"] as const;
export type DockTab = (typeof DOCK_TABS)[number];

const tabs = () =>
  [...document.querySelectorAll<HTMLElement>('#composer-dock [role="tab"]')].filter(
    (tab) => tab.offsetParent !== null || tab.id,
  );

export const dockIsOpen = (): boolean => document.body.classList.contains("composer-dock-open");

export function openDock(tab?: DockTab): void {
  document.body.classList.add("composer-dock-open");
  setHeight(Number(localStorage.getItem(HEIGHT)) || 320);
  tabs()
    .find((one) => one.textContent?.trim() === tab)
    ?.click();
  tellDocument();
}

export function closeDock(): void {
  document.body.classList.remove("composer-dock-open");
  document.documentElement.style.setProperty("--composer-dock", "0px");
}

export function setHeight(pixels: number): void {
  const height = Math.min(Math.max(pixels, SMALLEST), window.innerHeight - 220);
  localStorage.setItem(HEIGHT, String(height));
  document.documentElement.style.setProperty("--composer-dock", `${height}px`);
}

/** Tell the dock what is on the canvas, so that YAML, Code and Summary follow. */
export function tellDocument(): void {
  window.clearTimeout(debounce);
  debounce = window.setTimeout(() => {
    if (!dockIsOpen()) return;
    const { document: text, bridge } = useComposer.getState();
    bridge.host.trigger("document_change", { document: text });
  }, 300);
}

useComposer.subscribe((state, before) => {
  if (state.document !== before.document) tellDocument();
});

declare global {
  interface Window {
    /** `typed`: text in the YAML tab that was not applied. */
    composerDock: { open: typeof openDock; close: typeof closeDock; isOpen: typeof dockIsOpen; typed: boolean };
  }
}
window.composerDock = { open: openDock, close: closeDock, isOpen: dockIsOpen, typed: false };
