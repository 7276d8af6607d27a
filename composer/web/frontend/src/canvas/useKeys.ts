import { useEffect } from "react";
import { isComposing } from "../logic/keys";
import { shortcutOf } from "../shortcuts";
import { useComposer } from "../store";
import { selectedParts } from "./boxes";
import { copy, cut, paste } from "./clipboard";
import { pointer, useCanvas } from "./state";

const TYPED = "input, textarea, select, [contenteditable=true]";
const CONTROL = "button, a, [role=button], [role=option], [role=menuitem], summary, [role=tab], [role=slider]";

/** A field has an undo of its own while text is typed in it that the graph does not have. */
const OWN_UNDO =
  ":is(input:not([type=checkbox], [type=radio], [type=range]), textarea, [contenteditable=true]):not([data-held])";

const inField = (target: EventTarget | null): boolean => target instanceof Element && target.closest(TYPED) !== null;
/** The keys of the canvas count where nothing else has the keyboard. */
const onCanvas = (target: EventTarget | null): boolean =>
  target === document.body || (target instanceof Node && useCanvas.getState().root?.contains(target) === true);
const isOpen = (): boolean => useComposer.getState().dialog !== null || useCanvas.getState().popup !== null;

function pressed(event: KeyboardEvent): void {
  const found = shortcutOf(event);
  if (!found || found.native || event.defaultPrevented || isComposing(event)) return;
  const undoes = found.id === "undo" || found.id === "redo";
  const own = undoes ? event.target instanceof Element && event.target.matches(OWN_UNDO) : inField(event.target);
  if (own && !found.typing) return;
  if (isOpen()) return;
  if (!found.anywhere && !found.typing) {
    if (!onCanvas(event.target)) return;
    const plain = event.key === "Enter" || event.key === " " || event.key === "Tab";
    if (plain && event.target instanceof Element && event.target.closest(CONTROL)) return;
    if (event.key === "Tab" && !(pointer.at && event.target === useCanvas.getState().root)) return;
  }
  event.preventDefault();
  found.action();
}

/** Listens to the keys of the table of shortcuts, and to the clipboard. */
export function useKeys(): void {
  useEffect(() => {
    const mine = (event: ClipboardEvent) => !inField(event.target) && onCanvas(event.target) && !isOpen();
    const copied = (event: ClipboardEvent) => {
      if (!mine(event) || !selectedParts().length || !document.getSelection()?.isCollapsed) return;
      event.preventDefault();
      if (event.type === "cut") void cut();
      else void copy();
    };
    const pasted = (event: ClipboardEvent) => {
      if (mine(event) && paste(event.clipboardData?.getData("text/plain") ?? "")) event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    document.addEventListener("copy", copied);
    document.addEventListener("cut", copied);
    document.addEventListener("paste", pasted);
    return () => {
      window.removeEventListener("keydown", pressed);
      document.removeEventListener("copy", copied);
      document.removeEventListener("cut", copied);
      document.removeEventListener("paste", pasted);
    };
  }, []);
}
