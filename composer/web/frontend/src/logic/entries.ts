import type { CatalogView, ComponentView, GraphView, Suggestion } from "../payloads";
import { colourOfKind } from "./kinds";
import type { Mode } from "./operations";
import type { Findable } from "./rank";

/** Something that can be put on the canvas. */
export type Part =
  | { kind: "component"; type: string }
  | { kind: "subgraph"; graph: string }
  | { kind: "input"; section: "inputs" | "data_samples"; type: string };

/** A line of the palette, and of the search on the canvas. */
export interface Entry extends Findable {
  id: string;
  part: Part;
  group: string;
  colour: string;
  /** Whether it is shown where its group is folded. */
  offered?: boolean;
  component: ComponentView | null;
  /** What it is called where it is offered for a wire. */
  title?: string;
}

const ofComponent = (component: ComponentView, title: string): Entry => ({
  id: `component:${component.type}`,
  part: { kind: "component", type: component.type },
  name: component.type,
  kind: component.kind,
  text: component.doc,
  keywords: component.keywords,
  group: title,
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

const ofInput = (section: "inputs" | "data_samples", type: CatalogView["port_types"][number]): Entry => ({
  id: `${section}:${type.name}`,
  part: { kind: "input", section, type: type.name },
  name: type.name,
  kind: section === "inputs" ? "input" : "data sample",
  text: section === "inputs" ? "what the model takes" : "ground truth that a mode needs",
  group: HEADS[section],
  colour: `var(--port-${type.colour})`,
  component: null,
  ...(type.section === section && { bonus: 1, keywords: type.keywords, offered: type.offered }),
});

/** All that can be put on the canvas, in the order of the palette. */
export function entriesOf(catalog: CatalogView | null, subgraphs: GraphView["subgraphs"] | undefined): Entry[] {
  if (!catalog) return [];
  const titles = new Map(catalog.kinds.map((kind) => [kind.name, kind.title]));
  const inputs = (section: "inputs" | "data_samples") => catalog.port_types.map((type) => ofInput(section, type));
  return [
    ...(subgraphs ?? []).map(ofSubgraph),
    ...catalog.components.map((component) => ofComponent(component, titles.get(component.kind) ?? component.kind)),
    ...inputs("inputs"),
    ...inputs("data_samples"),
  ];
}

/** What a wire could lead to or come from, in the server's order. */
export function suggested(entries: Entry[], suggestions: Suggestion[]): Entry[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return suggestions.flatMap((suggestion) => {
    if (suggestion.output) return ofOutput(suggestion.mode);
    const { section, type, graph } = suggestion;
    const entry = byId.get(section ? `${section}:${type}` : type === null ? `subgraph:${graph}` : `component:${type}`);
    if (!entry) return [];
    return section ? { ...entry, title: `${NEW[section]}, ${entry.name}` } : entry;
  });
}

const NEW = { inputs: "New input", data_samples: "New data sample" } as const;

/** A wire may end in the outputs of a mode, or of the open subgraph. */
const ofOutput = (mode: Mode | null): Entry => ({
  id: `output:${mode ?? ""}`,
  part: { kind: "component", type: "" },
  name: mode ? `Output of ${mode} mode` : "Output of the subgraph",
  kind: "output",
  text: "gives it out under a name",
  group: "",
  colour: "var(--kind-output)",
  component: null,
});
