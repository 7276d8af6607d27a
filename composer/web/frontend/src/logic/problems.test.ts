import { expect, test } from "vitest";
import { isOfPolicy, isWithin, placeOf } from "./problems";

const at = (...keys: (string | number)[]) => ({ keys });

test("an edit of a key is refused for what is wrong with that key or inside it", () => {
  expect(isWithin(at("optimizer", "lr"), ["optimizer", "lr"])).toBe(true);
  expect(isWithin(at("augment", "image", 1, "size"), ["augment", "image"])).toBe(true);
});

test("a key whose name only begins like another one is another key", () => {
  expect(isWithin(at("optimizer", "lr_x"), ["optimizer", "lr"])).toBe(false);
  expect(isWithin(at("optimizer.lr"), ["optimizer", "lr"])).toBe(false);
  expect(isWithin(at("augment", "image", 10), ["augment", "image", 1])).toBe(false);
});

test("what is wrong with a whole part is not about one key of it", () => {
  expect(isWithin(at("optimizer"), ["optimizer", "lr"])).toBe(false);
});

test("a problem without a place in the document is about no key", () => {
  expect(isWithin(at(), ["optimizer"])).toBe(false);
  expect(isWithin(at("optimizer"), [])).toBe(false);
});

test("places in a list are found as numbers and as texts", () => {
  expect(isWithin(at("log", 0), ["log", "0"])).toBe(true);
});

test("the policy of a node is also that of its parts, and of no node whose name begins like it", () => {
  expect(isOfPolicy(at("policy", "backbone", "lr"), "backbone")).toBe(true);
  expect(isOfPolicy(at("policy", "backbone.layer1"), "backbone")).toBe(true);
  expect(isOfPolicy(at("policy", "backbone2"), "backbone")).toBe(false);
  expect(isOfPolicy(at("policy"), "backbone")).toBe(false);
  expect(isOfPolicy(at("nodes", "backbone"), "backbone")).toBe(false);
});

test("a problem of one mode says so", () => {
  expect(placeOf({ subject: "neck", mode: "loss" })).toBe("neck (loss mode)");
  expect(placeOf({ subject: "neck", mode: null })).toBe("neck");
  expect(placeOf({ subject: "", mode: "loss" })).toBe("");
});
