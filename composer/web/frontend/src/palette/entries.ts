import { colourOfKind, wordsOfKind } from "../canvas/kinds";
import type { Part } from "../canvas/parts";
import type { CatalogView, ComponentView, GraphView, Suggestion } from "../payloads";
import type { Findable } from "./rank";

/** A line of the palette, and of the search on the canvas. */
export interface Entry extends Findable {
  id: string;
  part: Part;
  group: string;
  colour: string;
  component: ComponentView | null;
}

const ofComponent = (component: ComponentView): Entry => ({
  id: `component:${component.type}`,
  part: { kind: "component", type: component.type },
  name: component.type,
  kind: component.kind,
  text: `${component.summary} ${component.doc}`,
  group: wordsOfKind(component.kind),
  colour: colourOfKind(component.kind),
  component,
});

const ofSubgraph = (subgraph: ComponentView): Entry => ({
  id: `subgraph:${subgraph.type}`,
  part: { kind: "subgraph", graph: subgraph.type },
  name: subgraph.type,
  kind: "subgraph",
  text: subgraph.summary,
  group: "Subgraphs",
  colour: "var(--kind-subgraph)",
  component: subgraph,
});

const HEADS = { inputs: "Inputs", data_samples: "Data samples" } as const;

const ofInput = (section: "inputs" | "data_samples", type: string, colour: string): Entry => ({
  id: `${section}:${type}`,
  part: { kind: "input", section, type },
  name: type,
  kind: section === "inputs" ? "input" : "data sample",
  text: section === "inputs" ? "what the model takes" : "ground truth that a mode needs",
  group: HEADS[section],
  colour: `var(--port-${colour})`,
  component: null,
});

/** All that can be put on the canvas, in the order of the palette. */
export function entriesOf(catalog: CatalogView | null, subgraphs: GraphView["subgraphs"] | undefined): Entry[] {
  if (!catalog) return [];
  const inputs = (section: "inputs" | "data_samples") =>
    catalog.port_types.map((type) => ofInput(section, type, catalog.colours[type] || "any"));
  return [
    ...(subgraphs ?? []).map(ofSubgraph),
    ...catalog.components.map(ofComponent),
    ...inputs("inputs"),
    ...inputs("data_samples"),
  ];
}

/** Entries that a wire fits, in the server's order. */
export function suggested(entries: Entry[], suggestions: Suggestion[]): Entry[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return suggestions.flatMap(
    ({ type, graph }) => byId.get(type === null ? `subgraph:${graph}` : `component:${type}`) ?? [],
  );
}
