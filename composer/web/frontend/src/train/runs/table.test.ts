import { expect, test } from "vitest";
import type { TrainRow } from "../../payloads";
import { type Column, NEWEST, sorted, stateWords, turned } from "./table";

const row = (name: string, part: Partial<TrainRow> = {}): TrainRow => ({
  name,
  graph: "g",
  recipe: "SGD",
  state: "finished",
  message: "",
  position: 0,
  step: 1,
  steps: 1,
  metric: "accuracy",
  best: 0.5,
  best_step: 1,
  seconds: 1,
  began: 1,
  complete: true,
  ...part,
});
const names = (rows: TrainRow[], column: Column, down: boolean) =>
  sorted(rows, { column, down }).map(({ name }) => name);

test("rows come as the server gives them until a column is asked for", () => {
  const rows = [row("b"), row("a")];
  expect(sorted(rows, NEWEST)).toBe(rows);
  expect(names(rows, "began", false)).toEqual(["a", "b"]);
});

test("names are sorted as people count", () => {
  const rows = [row("run 10"), row("run 9"), row("Run 1")];
  expect(names(rows, "name", false)).toEqual(["Run 1", "run 9", "run 10"]);
  expect(names(rows, "name", true)).toEqual(["run 10", "run 9", "Run 1"]);
});

test("what was not measured comes last both ways, and metrics are not mixed", () => {
  const rows = [
    row("none", { best: null }),
    row("loss", { metric: "val_loss", best: 3 }),
    row("low", { best: 0.1 }),
    row("high", { best: 0.9 }),
  ];
  expect(names(rows, "best", true)).toEqual(["high", "low", "loss", "none"]);
  expect(names(rows, "best", false)).toEqual(["low", "high", "loss", "none"]);
});

test("what runs comes before what is over", () => {
  const rows = [row("a"), row("b", { state: "died" }), row("c", { state: "queued" }), row("d", { state: "running" })];
  expect(names(rows, "state", false)).toEqual(["d", "c", "b", "a"]);
});

test("equal rows stay as they came", () => {
  expect(names([row("b"), row("a")], "seconds", true)).toEqual(["b", "a"]);
});

test("a second click on a column turns it; a first one begins with what is looked for", () => {
  expect(turned(NEWEST, "best")).toEqual({ column: "best", down: true });
  expect(turned(NEWEST, "began")).toEqual({ column: "began", down: false });
  expect(turned(NEWEST, "name")).toEqual({ column: "name", down: false });
});

test("a run that waits says its place in the queue", () => {
  expect(stateWords(row("a", { state: "queued", position: 2 }))).toBe("waiting, number 2");
  expect(stateWords(row("a", { state: "died" }))).toBe("died");
});
