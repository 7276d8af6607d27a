import { expect, test } from "vitest";
import type { CatalogView, ComponentView, Suggestion, TypeView } from "../payloads";
import { entriesOf, suggested } from "./entries";

const component = (type: string, kind: string): ComponentView => ({
  type,
  kind,
  summary: `${type} in short`,
  doc: `${type} at length`,
  keywords: [],
  inputs: [],
  outputs: [],
  parameters: [],
  json_schema: {},
});
const IMAGE: TypeView = {
  name: "Image",
  colour: "image",
  section: "inputs",
  keywords: ["photo"],
  offered: true,
  image: true,
};
const CATALOG: CatalogView = {
  revision: "1",
  watched: false,
  components: [component("ResNet", "backbones"), component("Own", "mine")],
  kinds: [{ name: "backbones", title: "Backbones", colour: "#111111", dark: "#eeeeee" }],
  port_types: [IMAGE],
  problems: [],
};
const ENTRIES = entriesOf(CATALOG, [component("encoder", "subgraph")]);
const suggestion = (part: Partial<Suggestion>): Suggestion => ({
  type: null,
  graph: null,
  port: "x",
  section: null,
  output: false,
  mode: null,
  ...part,
});
const ids = (suggestions: Suggestion[]) => suggested(ENTRIES, suggestions).map(({ id }) => id);

test("the palette has subgraphs, components by the titles of their kinds, inputs and data samples", () => {
  expect(ENTRIES.map(({ id, group }) => [id, group])).toEqual([
    ["subgraph:encoder", "Subgraphs"],
    ["component:ResNet", "Backbones"],
    ["component:Own", "mine"],
    ["inputs:Image", "Inputs"],
    ["data_samples:Image", "Data samples"],
  ]);
  expect(entriesOf(null, [])).toEqual([]);
});

test("a type is offered, and found first, where it usually is declared", () => {
  const [input, sample] = ENTRIES.slice(-2);
  expect(input).toMatchObject({ bonus: 1, keywords: ["photo"], offered: true });
  expect(sample).not.toHaveProperty("offered");
});

test("what a wire could lead to comes in the server's order, without what the palette does not have", () => {
  const found = [suggestion({ graph: "encoder" }), suggestion({ type: "Gone" }), suggestion({ type: "ResNet" })];
  expect(ids(found)).toEqual(["subgraph:encoder", "component:ResNet"]);
});

test("a new input says that it is one, and an output its mode", () => {
  const [input] = suggested(ENTRIES, [suggestion({ section: "data_samples", type: "Image" })]);
  expect(input?.title).toBe("New data sample, Image");
  const outputs = suggested(ENTRIES, [
    suggestion({ output: true, mode: "loss" }),
    suggestion({ output: true, mode: null }),
  ]);
  expect(outputs.map(({ id, name }) => [id, name])).toEqual([
    ["output:loss", "Output of loss mode"],
    ["output:", "Output of the subgraph"],
  ]);
});
