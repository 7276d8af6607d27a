import { expect, test } from "vitest";
import { pressed, printed } from "./keys";
import { keysOf, SHORTCUTS, shortcutOf } from "./shortcuts";

const event = (key: string, part: Partial<KeyboardEvent> = {}) =>
  ({ key, code: "", ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...part }) as KeyboardEvent;

test("no keys do two things, and no id is there twice", () => {
  const keys = SHORTCUTS.flatMap((one) => one.keys);
  expect(keys.filter((one, at) => keys.indexOf(one) !== at)).toEqual([]);
  const ids = SHORTCUTS.map((one) => one.id);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each([
  [event("z", { ctrlKey: true }), "undo"],
  [event("Z", { ctrlKey: true, shiftKey: true }), "redo"],
  [event("c"), "connect"],
  [event("C", { shiftKey: true }), "comment"],
  [event("?", { shiftKey: true }), "help"],
  [event(" "), "search"],
  [event("!", { code: "Digit1" }), "lens-tensor"],
  [event("+", { shiftKey: true }), "zoom-in"],
])("keys stand for %#", (keys, id) => expect(shortcutOf(keys)?.id).toBe(id));

test("keys that are not in the table do nothing", () =>
  expect(shortcutOf(event("q", { ctrlKey: true }))).toBeUndefined());
test("keys are printed as people read them", () => {
  expect(keysOf("undo")).toBe("Ctrl+Z");
  expect(printed("Shift+ArrowLeft")).toBe("Shift+←");
  expect(pressed(event("ArrowLeft", { altKey: true, shiftKey: true }))).toBe("Alt+Shift+ArrowLeft");
});
