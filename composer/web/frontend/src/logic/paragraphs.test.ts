import { expect, it } from "vitest";
import { codeIn, partsOf } from "./paragraphs";

it("lines that were broken for the margin are joined, entries and lists are kept", () => {
  const doc =
    "Pools a map,\nthen projects it.\n\n\nArgs:\n    in_channels: Channels\n        of the map.\n    act: How.\n\n- one\n- two\n";
  expect(partsOf(doc)).toEqual([
    { kind: "text", text: "Pools a map, then projects it." },
    {
      kind: "entries",
      title: "Args",
      entries: [
        { name: "in_channels", text: "Channels of the map." },
        { name: "act", text: "How." },
      ],
    },
    { kind: "lines", text: "- one\n- two" },
  ]);
  expect(partsOf("")).toEqual([]);
});

it("what is marked as code is every second part", () => {
  expect(codeIn("with ``mean`` on")).toEqual(["with ", "mean", " on"]);
});
