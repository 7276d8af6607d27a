/** One drag at a time, of whatever kind (wire, box, part, frame): what all of them share is how they are given up. */

interface Drag {
  cancel: () => void;
}

let now: Drag | null = null;
/** After a drag was given up, the button that is still held lets go of nothing. */
let spent = false;

/** A drag began; `cancel` puts everything back. */
export function beginDrag(cancel: () => void): void {
  if (now) cancelDrag();
  now = { cancel };
  spent = false;
  document.body.classList.add("composer-dragging");
}

/** It ended where it should. */
export function endDrag(): void {
  now = null;
  document.body.classList.remove("composer-dragging");
}

export const isDragging = (): boolean => now !== null;

/** Give up what is dragged; nothing is changed. */
export function cancelDrag(): void {
  const drag = now;
  if (!drag) return;
  spent = true;
  endDrag();
  drag.cancel();
}

/** The end of a gesture as the libraries below hear it. */
export const letGo = (): boolean =>
  document.dispatchEvent(new MouseEvent("mouseup", { view: window, bubbles: true, cancelable: true }));

function swallow(event: Event): void {
  event.preventDefault();
  event.stopImmediatePropagation();
}

const LISTENERS: Partial<{ [Name in keyof WindowEventMap]: (event: WindowEventMap[Name]) => void }> = {
  keydown: (event) => {
    if (event.key !== "Escape" || !now) return;
    swallow(event);
    cancelDrag();
  },
  mousedown: (event) => {
    if (event.button !== 0 && now) {
      swallow(event);
      cancelDrag();
    } else if (event.button === 0 || !(event.buttons & 1)) spent = false;
  },
  contextmenu: (event) => {
    if (!now && !spent) return;
    swallow(event);
    cancelDrag();
  },
  click: (event) => {
    if (!spent || !event.detail) return;
    swallow(event);
    spent = false;
  },
  // The button was let go where nobody heard it: outside of the window, in a dialog of the browser.
  mousemove: (event) => {
    if (event.isTrusted && event.buttons === 0) cancelDrag();
  },
  touchstart: (event) => {
    if (event.touches.length > 1) cancelDrag();
    else if (!now) spent = false;
  },
  selectstart: (event) => {
    if (now) event.preventDefault();
  },
  dragstart: (event) => {
    if (event.target instanceof Element && event.target.closest(".composer-canvas")) event.preventDefault();
  },
  pointercancel: () => cancelDrag(),
  touchcancel: () => cancelDrag(),
  blur: (event) => {
    if (event.target === window) cancelDrag();
  },
};

/** Nobody took what was let go: what began it has missed its end. */
const missed = () => setTimeout(() => cancelDrag());

/** Listen to all that ends a drag before its time. */
export function watchDrags(): () => void {
  const entries = Object.entries(LISTENERS) as [string, EventListener][];
  const hidden = () => document.hidden && cancelDrag();
  for (const [name, listener] of entries) window.addEventListener(name, listener, { capture: true });
  document.addEventListener("visibilitychange", hidden);
  window.addEventListener("mouseup", missed);
  window.addEventListener("touchend", missed);
  return () => {
    for (const [name, listener] of entries) window.removeEventListener(name, listener, { capture: true });
    document.removeEventListener("visibilitychange", hidden);
    window.removeEventListener("mouseup", missed);
    window.removeEventListener("touchend", missed);
  };
}
