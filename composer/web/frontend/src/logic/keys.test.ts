import { expect, test } from "vitest";
import { isComposing, pressed, printed } from "./keys";

const event = (key: string, part: Partial<KeyboardEvent> = {}) =>
  ({ key, code: "", ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...part }) as KeyboardEvent;

test("what an input method has is known by each browser's sign of it", () => {
  expect(isComposing({ key: "Enter", isComposing: true, keyCode: 13 })).toBe(true);
  expect(isComposing({ key: "Enter", isComposing: false, keyCode: 229 })).toBe(true);
  expect(isComposing({ key: "Escape", isComposing: true, keyCode: 229 })).toBe(true);
  expect(isComposing({ key: "Enter", isComposing: false, keyCode: 13 })).toBe(false);
  expect(isComposing({ key: "Escape", isComposing: true, keyCode: 27 })).toBe(false);
});

test.each([
  ["letters are upper case, with what is held", event("z", { ctrlKey: true, altKey: true }), ["Mod+Alt+Z"]],
  ["Shift counts for letters and for keys with names", event("ArrowLeft", { shiftKey: true }), ["Shift+ArrowLeft"]],
  ["Shift does not count for the sign that it gives", event("?", { shiftKey: true }), ["?"]],
  ["the space bar has a name", event(" "), ["Space"]],
  ["a key of digits is also its digit", event("&", { code: "Digit1" }), ["&", "1"]],
  ["a letter that is not Latin is also the one at its place", event("я", { code: "KeyZ" }), ["Я", "Z"]],
  ["a Latin letter is never another one", event("w", { code: "KeyZ" }), ["W"]],
  ["AltGr is no Ctrl and no Alt", event("[", { ctrlKey: true, altKey: true, getModifierState: () => true }), ["["]],
])("%s", (_, keys, names) => expect(pressed(keys)).toEqual(names));

test.each([
  ["Mod+Shift+Z", "Ctrl+Shift+Z"],
  ["Shift+ArrowLeft", "Shift+←"],
  ["Escape", "Esc"],
  ["+", "+"],
  ["Mod++", "Ctrl++"],
])("%s is printed as %s", (keys, words) => expect(printed(keys)).toBe(words));
