import { describe, expect, it } from "vitest";
import { type Draft, type Drafts, Keeper, lost, surplus } from "./recovery";

const draft = (tab: string, time: number, document = "{}"): Draft => ({
  tab,
  document,
  title: tab,
  file: { name: "untitled", place: "none", version: null },
  time,
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

const keeperOf = (shelf: Shelf, told: string[] = [], open: string[] = []) =>
  new Keeper(
    shelf,
    "mine",
    async () => new Set(open),
    (reason) => told.push(reason),
  );

describe("what is offered", () => {
  it("is what closed tabs left, newest first", () => {
    const all = [draft("a", 1), draft("b", 3), draft("c", 2), draft("open", 4)];
    expect(lost(all, new Set(["open"])).map((one) => one.tab)).toEqual(["b", "c", "a"]);
  });

  it("is nothing when all was saved", async () => {
    const shelf = new Shelf();
    const keeper = keeperOf(shelf);
    await keeper.keep(draft("mine", 1));
    await keeper.keep(null);
    expect(lost(await shelf.all(), new Set())).toEqual([]);
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

  it("and a failure is told once, until it works again", async () => {
    const shelf = new Shelf();
    const told: string[] = [];
    const keeper = keeperOf(shelf, told);
    shelf.full = "no room";
    await keeper.keep(draft("mine", 1));
    await keeper.keep(draft("mine", 2));
    expect([told, keeper.works]).toEqual([["no room"], false]);
    shelf.full = null;
    await keeper.keep(draft("mine", 3));
    expect([keeper.works, shelf.kept.get("mine")?.time]).toEqual([true, 3]);
  });
});
