import * as at from "./canvas/commands";
import { pressed, printed } from "./logic/keys";
import { useComposer } from "./store";

export type ShortcutGroup = "File" | "Edit" | "Wires" | "Arrange" | "Move about" | "View";

/** Something that keys do; menus and the help overlay show it too. */
export interface Shortcut {
  id: string;
  /** Each is enough: `Mod+Shift+Z`. */
  keys: string[];
  words: string;
  group: ShortcutGroup;
  action: () => void;
  /** Works wherever the focus is, but for fields that are typed in (default: only on the canvas). */
  anywhere?: boolean;
  /** Works while typing too. */
  typing?: boolean;
  /** The browser's own event does it (copy, cut, paste); the entry is for menus and the overlay. */
  native?: boolean;
}

const offered = new Map<string, () => void>();

/** Give an action to a shortcut whose work is done elsewhere (the toolbar's files). */
export function provide(id: string, action: () => void): void {
  offered.set(id, action);
}

const elsewhere = (id: string, otherwise?: () => void) => () => (offered.get(id) ?? otherwise)?.();
const dialog = (name: "gallery" | "save" | "shortcuts") => () => useComposer.getState().set({ dialog: name });

export const SHORTCUTS: Shortcut[] = [
  { id: "new", keys: ["Alt+N"], words: "New graph", group: "File", action: elsewhere("new"), anywhere: true },
  {
    id: "open",
    keys: ["Mod+O"],
    words: "Open from the gallery",
    group: "File",
    action: elsewhere("open", dialog("gallery")),
    anywhere: true,
    typing: true,
  },
  {
    id: "save",
    keys: ["Mod+S"],
    words: "Save",
    group: "File",
    action: elsewhere("save", dialog("save")),
    anywhere: true,
    typing: true,
  },
  {
    id: "save-as",
    keys: ["Mod+Shift+S"],
    words: "Save as",
    group: "File",
    action: elsewhere("save-as", dialog("save")),
    anywhere: true,
    typing: true,
  },
  {
    id: "help",
    keys: ["?", "F1"],
    words: "Help: first steps and shortcuts",
    group: "File",
    action: dialog("shortcuts"),
    anywhere: true,
  },

  {
    id: "undo",
    keys: ["Mod+Z"],
    words: "Undo",
    group: "Edit",
    action: () => void useComposer.getState().undo(),
    anywhere: true,
  },
  {
    id: "redo",
    keys: ["Mod+Shift+Z", "Mod+Y"],
    words: "Redo",
    group: "Edit",
    action: () => void useComposer.getState().redo(),
    anywhere: true,
  },
  { id: "search", keys: ["Space", "Tab"], words: "Add a node by search", group: "Edit", action: at.openSearch },
  { id: "palette", keys: ["/"], words: "Search the palette", group: "Edit", action: at.focusPalette, anywhere: true },
  { id: "cut", keys: ["Mod+X"], words: "Cut", group: "Edit", action: at.cut, native: true },
  { id: "copy", keys: ["Mod+C"], words: "Copy", group: "Edit", action: at.copy, native: true },
  { id: "paste", keys: ["Mod+V"], words: "Paste", group: "Edit", action: at.pasteFromClipboard, native: true },
  { id: "duplicate", keys: ["Mod+D"], words: "Duplicate", group: "Edit", action: at.duplicate },
  { id: "delete", keys: ["Delete", "Backspace"], words: "Delete", group: "Edit", action: at.remove },
  { id: "select-all", keys: ["Mod+A"], words: "Select all", group: "Edit", action: at.selectAll },
  { id: "rename", keys: ["F2"], words: "Rename", group: "Edit", action: at.rename },
  { id: "bypass", keys: ["B"], words: "Bypass, or wire again", group: "Edit", action: at.bypass },
  { id: "replace", keys: ["R"], words: "Replace with ...", group: "Edit", action: at.openReplace },
  { id: "comment", keys: ["Shift+C"], words: "Add a comment", group: "Edit", action: at.addComment },

  { id: "connect", keys: ["C"], words: "Connect to ...", group: "Wires", action: at.openConnect },
  { id: "next-wire", keys: ["W"], words: "Next wire of the node", group: "Wires", action: () => at.nextWire(1) },
  {
    id: "previous-wire",
    keys: ["Shift+W"],
    words: "Previous wire of the node",
    group: "Wires",
    action: () => at.nextWire(-1),
  },
  { id: "insert", keys: ["I"], words: "Insert a node into the wire ...", group: "Wires", action: at.openInsert },
  { id: "wire-modes", keys: ["M"], words: "Modes that the wire serves", group: "Wires", action: at.focusWireModes },
  {
    id: "levels",
    keys: ["L"],
    words: "Open or close the levels of a node's outputs",
    group: "Wires",
    action: at.toggleLevels,
  },

  { id: "group", keys: ["Mod+G"], words: "Group into a subgraph", group: "Arrange", action: at.group },
  { id: "ungroup", keys: ["Mod+Shift+G"], words: "Ungroup", group: "Arrange", action: at.ungroup },
  { id: "layout", keys: ["Mod+L"], words: "Lay out automatically", group: "Arrange", action: at.layOut },
  {
    id: "align-left",
    keys: ["Alt+Shift+ArrowLeft"],
    words: "Align left",
    group: "Arrange",
    action: () => at.align("left"),
  },
  {
    id: "align-right",
    keys: ["Alt+Shift+ArrowRight"],
    words: "Align right",
    group: "Arrange",
    action: () => at.align("right"),
  },
  { id: "align-top", keys: ["Alt+Shift+ArrowUp"], words: "Align top", group: "Arrange", action: () => at.align("top") },
  {
    id: "align-bottom",
    keys: ["Alt+Shift+ArrowDown"],
    words: "Align bottom",
    group: "Arrange",
    action: () => at.align("bottom"),
  },
  {
    id: "distribute-across",
    keys: ["Alt+Shift+H"],
    words: "Distribute across",
    group: "Arrange",
    action: () => at.align("across"),
  },
  {
    id: "distribute-down",
    keys: ["Alt+Shift+V"],
    words: "Distribute down",
    group: "Arrange",
    action: () => at.align("down"),
  },
  { id: "nudge-left", keys: ["Shift+ArrowLeft"], words: "Move left", group: "Arrange", action: () => at.nudge(-1, 0) },
  {
    id: "nudge-right",
    keys: ["Shift+ArrowRight"],
    words: "Move right",
    group: "Arrange",
    action: () => at.nudge(1, 0),
  },
  { id: "nudge-up", keys: ["Shift+ArrowUp"], words: "Move up", group: "Arrange", action: () => at.nudge(0, -1) },
  { id: "nudge-down", keys: ["Shift+ArrowDown"], words: "Move down", group: "Arrange", action: () => at.nudge(0, 1) },

  { id: "go-left", keys: ["ArrowLeft"], words: "Node on the left", group: "Move about", action: () => at.go("left") },
  {
    id: "go-right",
    keys: ["ArrowRight"],
    words: "Node on the right",
    group: "Move about",
    action: () => at.go("right"),
  },
  { id: "go-up", keys: ["ArrowUp"], words: "Node above", group: "Move about", action: () => at.go("up") },
  { id: "go-down", keys: ["ArrowDown"], words: "Node below", group: "Move about", action: () => at.go("down") },
  {
    id: "enter",
    keys: ["Enter"],
    words: "Enter the subgraph, or open the inspector",
    group: "Move about",
    action: at.open,
  },
  { id: "leave", keys: ["Escape"], words: "Deselect, then leave the subgraph", group: "Move about", action: at.leave },
  {
    id: "menu",
    keys: ["ContextMenu", "Shift+F10"],
    words: "Menu of what is selected",
    group: "Move about",
    action: at.openMenu,
  },

  { id: "fit", keys: ["F"], words: "Fit all in the view", group: "View", action: at.fit },
  {
    id: "fit-selection",
    keys: ["Shift+F"],
    words: "Fit the selection in the view",
    group: "View",
    action: at.fitSelection,
  },
  { id: "zoom-in", keys: ["+", "="], words: "Zoom in", group: "View", action: at.zoomIn },
  { id: "zoom-out", keys: ["-"], words: "Zoom out", group: "View", action: at.zoomOut },
  { id: "zoom-reset", keys: ["0"], words: "Zoom to 100%", group: "View", action: at.zoomReset },
  {
    id: "toggle-palette",
    keys: ["["],
    words: "Show or hide the palette",
    group: "View",
    action: () => useComposer.getState().toggle("palette"),
  },
  {
    id: "toggle-side",
    keys: ["]"],
    words: "Show or hide the side panel",
    group: "View",
    action: () => useComposer.getState().toggle("side"),
  },
  {
    id: "lens-tensor",
    keys: ["1"],
    words: "Light what tensor mode runs",
    group: "View",
    action: () => at.lens("tensor"),
  },
  { id: "lens-loss", keys: ["2"], words: "Light what loss mode runs", group: "View", action: () => at.lens("loss") },
  {
    id: "lens-predict",
    keys: ["3"],
    words: "Light what predict mode runs",
    group: "View",
    action: () => at.lens("predict"),
  },
];

const byId = new Map(SHORTCUTS.map((one) => [one.id, one]));
const byKeys = new Map(SHORTCUTS.flatMap((one) => one.keys.map((keys) => [keys, one] as const)));

export const shortcut = (id: string): Shortcut | undefined => byId.get(id);

/** The shortcut that the keys of an event stand for. */
export const shortcutOf = (event: KeyboardEvent): Shortcut | undefined =>
  pressed(event)
    .map((keys) => byKeys.get(keys))
    .find((found) => found !== undefined);

/** Its keys as people read them: `Ctrl+Z`; empty where there are none. */
export const keysOf = (id: string): string => printed(byId.get(id)?.keys[0] ?? "");
