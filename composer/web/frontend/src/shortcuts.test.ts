import { expect, test } from "vitest";
import { keysOf, SHORTCUTS, shortcutOf } from "./shortcuts";

const event = (key: string, part: Partial<KeyboardEvent> = {}) =>
  ({ key, code: "", ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...part }) as KeyboardEvent;

test("no keys do two things, and no id is there twice", () => {
  const keys = SHORTCUTS.flatMap((one) => one.keys);
  expect(keys.filter((one, at) => keys.indexOf(one) !== at)).toEqual([]);
  const ids = SHORTCUTS.map((one) => one.id);
  expect(new Set(ids).size).toBe(ids.length);
});

const ctrl = { ctrlKey: true };
const shift = { shiftKey: true };

test.each([
  ["Ctrl+Z", event("z", ctrl), "undo"],
  ["Ctrl+Shift+Z", event("Z", { ...ctrl, ...shift }), "redo"],
  ["c", event("c"), "connect"],
  ["c with caps lock", event("C"), "connect"],
  ["Shift+C", event("C", shift), "comment"],
  ["?", event("?", shift), "help"],
  ["space", event(" "), "search"],
  ["+", event("+", shift), "zoom-in"],
  ["1 of AZERTY without Shift", event("&", { code: "Digit1" }), "lens-tensor"],
  ["1 of AZERTY with Shift", event("1", { code: "Digit1", ...shift }), "lens-tensor"],
  ["- of AZERTY", event("-", { code: "Digit6" }), "zoom-out"],
  ["Ctrl+Z of AZERTY", event("z", { code: "KeyW", ...ctrl }), "undo"],
  ["Ctrl+S of Dvorak", event("s", { code: "Semicolon", ...ctrl }), "save"],
  ["Ctrl+Z, Russian", event("я", { code: "KeyZ", ...ctrl }), "undo"],
  ["Ctrl+Shift+Z, Russian", event("Я", { code: "KeyZ", ...ctrl, ...shift }), "redo"],
  ["Ctrl+S, Russian", event("ы", { code: "KeyS", ...ctrl }), "save"],
  ["[, Russian", event("х", { code: "BracketLeft" }), "toggle-palette"],
  [
    "[ of QWERTZ",
    event("[", { code: "Digit8", ctrlKey: true, altKey: true, getModifierState: () => true }),
    "toggle-palette",
  ],
  ["f, Greek", event("φ", { code: "KeyF" }), "fit"],
  ["Ctrl+G, Hebrew", event("ע", { code: "KeyG", ...ctrl }), "group"],
  ["Ctrl+D, Arabic", event("ي", { code: "KeyD", ...ctrl }), "duplicate"],
  ["c, Korean", event("ㅊ", { code: "KeyC" }), "connect"],
])("%s", (_, keys, id) => expect(shortcutOf(keys)?.id).toBe(id));

test.each([
  ["Ctrl+Q", event("q", ctrl)],
  ["Ctrl+;, which lies where Z does, of Dvorak", event(";", { code: "KeyZ", ...ctrl })],
  ["Ctrl+W, which lies where Z does, of AZERTY", event("w", { code: "KeyZ", ...ctrl })],
  ["ü, which lies where [ does, of QWERTZ", event("ü", { code: "BracketLeft" })],
  ["Ctrl+1", event("1", { code: "Digit1", ...ctrl })],
])("%s does nothing", (_, keys) => expect(shortcutOf(keys)).toBeUndefined());

test("the keys of a shortcut are printed as people read them", () => expect(keysOf("undo")).toBe("Ctrl+Z"));
