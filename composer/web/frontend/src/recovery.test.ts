import { describe, expect, it } from "vitest";
import { bounded, type Draft, type Drafts, Keeper, lost, ownDraft, surplus } from "./recovery";

const draft = (tab: string, time: number, document = "{}"): Draft => ({
  tab,
  document,
  title: tab,
  file: { name: "model", place: "none", version: null },
  time,
  unsaved: true,
});

class Shelf implements Drafts {
  kept = new Map<string, Draft>();
  writes = 0;
  full: string | null = null;
  all = async () => [...this.kept.values()];
  put = async (one: Draft) => {
    await Promise.resolve();
    if (this.full) throw new Error(this.full);
    this.writes += 1;
    this.kept.set(one.tab, one);
  };
  remove = async (tabs: string[]) => {
    for (const tab of tabs) this.kept.delete(tab);
  };
}

const keeperOf = (shelf: Shelf, reasons: string[] = [], open: string[] = []) =>
  new Keeper(
    shelf,
    "mine",
    async () => new Set(open),
    (reason) => reasons.push(reason),
  );

describe("what is offered", () => {
  it("is what closed tabs left, newest first", () => {
    const all = [draft("a", 1), draft("b", 3), draft("c", 2), draft("open", 4)];
    expect(lost(all, new Set(["open"])).map((one) => one.tab)).toEqual(["b", "c", "a"]);
  });

  it("is nothing that its file holds", () => {
    const saved = { ...draft("saved", 5), unsaved: false };
    expect(lost([draft("a", 1), saved], new Set()).map((one) => one.tab)).toEqual(["a"]);
  });

  it("is nothing when all was saved", async () => {
    const shelf = new Shelf();
    const keeper = keeperOf(shelf);
    await keeper.keep(draft("mine", 1));
    await keeper.keep(null);
    expect(lost(await shelf.all(), new Set())).toEqual([]);
  });
});

describe("a tab goes on", () => {
  const all = [draft("a", 1), { ...draft("b", 3), unsaved: false }, draft("c", 2)];

  it("with its own draft, whatever else there is", () => {
    expect(ownDraft(all, "a", false)?.tab).toBe("a");
    expect(ownDraft(all, "a", true)?.tab).toBe("a");
  });

  it("with the last one where the browser was started again, and with none beside other tabs", () => {
    expect(ownDraft(all, "new", true)?.tab).toBe("b");
    expect(ownDraft(all, "new", false)).toBeNull();
    expect(ownDraft([], "new", true)).toBeNull();
  });
});

describe("the steps that are kept", () => {
  const steps = (...sizes: number[]) =>
    sizes.map((size) => ({ document: "x".repeat(size), path: [], label: "", selection: [] }));
  const sizes = (all: { document: string }[]) => all.map((step) => step.document.length);

  it("are the nearest ones, and undo comes before redo", () => {
    const kept = bounded({ past: steps(1, 2, 3), future: steps(4, 5), saved: null }, 4);
    expect([sizes(kept.past), sizes(kept.future)]).toEqual([[1, 2, 3], [5]]);
  });

  it("take only so much room, beside the document that was saved", () => {
    const kept = bounded({ past: steps(6, 3, 2), future: steps(1), saved: "xx" }, 100, 8);
    expect([sizes(kept.past), sizes(kept.future)]).toEqual([[3, 2], [1]]);
  });
});

describe("the number of drafts is limited", () => {
  it("by giving up the oldest of closed tabs, then of open ones, never one's own", () => {
    const all = [draft("mine", 0), draft("open", 1), draft("old", 2), draft("new", 3)];
    expect(surplus(all, "mine", new Set(["open"]), 4)).toEqual([]);
    expect(surplus(all, "mine", new Set(["open"]), 3)).toEqual(["old"]);
    expect(surplus(all, "mine", new Set(["open"]), 1)).toEqual(["old", "new", "open"]);
    expect(surplus(all, "mine", new Set(["open"]), 0)).not.toContain("mine");
  });

  it("and what was saved goes first", () => {
    const all = [draft("mine", 0), draft("old", 2), { ...draft("saved", 3), unsaved: false }];
    expect(surplus(all, "mine", new Set(), 2)).toEqual(["saved"]);
  });

  it("when the first draft of a tab is kept", async () => {
    const shelf = new Shelf();
    for (let i = 0; i < 12; i += 1) shelf.kept.set(`old${i}`, draft(`old${i}`, i));
    await keeperOf(shelf).keep(draft("mine", 99));
    expect(shelf.kept.size).toBe(12);
    expect([shelf.kept.has("mine"), shelf.kept.has("old0"), shelf.kept.has("old1")]).toEqual([true, false, true]);
  });
});

describe("a change is kept", () => {
  it("at once, and of many at the same time the last one", async () => {
    const shelf = new Shelf();
    const keeper = keeperOf(shelf);
    await Promise.all(["1", "2", "3", "4"].map((text) => keeper.keep(draft("mine", 1, text))));
    expect(shelf.kept.get("mine")?.document).toBe("4");
    expect(shelf.writes).toBeLessThan(4);
  });

  it("and a failure is reported once, until it works again", async () => {
    const shelf = new Shelf();
    const reasons: string[] = [];
    const keeper = keeperOf(shelf, reasons);
    shelf.full = "no room";
    await keeper.keep(draft("mine", 1));
    await keeper.keep(draft("mine", 2));
    expect([reasons, keeper.works]).toEqual([["no room"], false]);
    shelf.full = null;
    await keeper.keep(draft("mine", 3));
    expect([keeper.works, shelf.kept.get("mine")?.time]).toEqual([true, 3]);
  });
});
