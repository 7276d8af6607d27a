import { expect, it } from "vitest";
import { paragraphs } from "./paragraphs";

it("lines that were broken for the margin are joined, lists are kept", () => {
  const doc = "Pools a map,\nthen projects it.\n\n\nArgs:\n    in_channels: Channels.\n\n- one\n- two\n";
  expect(paragraphs(doc)).toEqual([
    { text: "Pools a map, then projects it.", kept: false },
    { text: "Args:\n    in_channels: Channels.", kept: true },
    { text: "- one\n- two", kept: true },
  ]);
  expect(paragraphs("")).toEqual([]);
});
