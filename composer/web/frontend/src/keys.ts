/** Keys by name: `Mod+Shift+Z`, `F2`, `Delete`, `c`. `Mod` is Command on a Mac and Ctrl elsewhere. */
export const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/** The name of what is pressed; digits by their key, whatever stands above them. */
export function pressed(event: Pressed): string {
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const key = digit ?? (event.key === " " ? "Space" : event.key);
  const sign = key.length === 1 && !/[a-z0-9]/i.test(key);
  const parts = [];
  if (isMac ? event.metaKey : event.ctrlKey) parts.push("Mod");
  if (event.altKey) parts.push("Alt");
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
