/** Keys by name: `Mod+Shift+Z`, `F2`, `Delete`, `c`. `Mod` is Command on a Mac and Ctrl elsewhere. */
export const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

type Pressed = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey"> &
  Partial<Pick<KeyboardEvent, "getModifierState">>;

/** Where the keys of a layout whose letters are not Latin lie on a Latin one. */
const SIGNS: Record<string, string> = { BracketLeft: "[", BracketRight: "]", Slash: "/", Minus: "-", Equal: "=" };

/** Whether an input method has the key: it takes a candidate, or gives it up, and does nothing else. An Escape that it
 * does not want comes with a code of its own. */
export const isComposing = (event: Pick<KeyboardEvent, "isComposing" | "keyCode" | "key">): boolean =>
  event.keyCode === 229 || (event.isComposing && event.key !== "Escape");

/** The names of what is pressed, the first one that means something counts: by the sign that is typed; by the digit of the key,
 * whatever stands above it; and by the place of the key where its letter is not Latin. */
export function pressed(event: Pressed): string[] {
  const { key, code } = event;
  const found = [named(event, key === " " ? "Space" : key)];
  const digit = /^Digit(\d)$/.exec(code)?.[1];
  if (digit) found.push(named(event, digit));
  if (/^\p{L}$/u.test(key) && !/^\p{Script=Latin}$/u.test(key)) {
    const place = /^Key([A-Z])$/.exec(code)?.[1] ?? SIGNS[code];
    if (place) found.push(named(event, place));
  }
  return found;
}

function named(event: Pressed, key: string): string {
  const typed = key.length === 1 && key === event.key;
  const sign = typed && !/\p{L}/u.test(key);
  const third = typed && event.getModifierState?.("AltGraph") === true; // Windows says Ctrl and Alt for it
  const parts = [];
  if (!third && (isMac ? event.metaKey : event.ctrlKey)) parts.push("Mod");
  if (!third && event.altKey) parts.push("Alt");
  if (event.shiftKey && !sign) parts.push("Shift");
  parts.push(key.length === 1 ? key.toUpperCase() : key);
  return parts.join("+");
}

const PRINTED: Record<string, string> = {
  Mod: isMac ? "⌘" : "Ctrl",
  Alt: isMac ? "⌥" : "Alt",
  Shift: isMac ? "⇧" : "Shift",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  Backspace: "⌫",
};

/** Keys as people read them: `Ctrl+Shift+Z`. */
export function printed(keys: string): string {
  if (keys === "+" || keys.endsWith("++")) return keys.replace("Mod", PRINTED.Mod ?? "");
  return keys
    .split("+")
    .map((part) => PRINTED[part] ?? part)
    .join(isMac ? "" : "+");
}
