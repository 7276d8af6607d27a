import type { BoxData } from "./drawing";

const KNOWN = [
  "backbones",
  "necks",
  "heads",
  "losses",
  "layers",
  "memories",
  "target_generators",
  "roi_extractors",
  "postprocessing",
  "similarities",
];

/** The colour of a kind, by name; kinds of other libraries share the grey one. */
export const colourOfKind = (kind: string): string => `var(--kind-${KNOWN.includes(kind) ? kind : "other"})`;

/** The colour in the head of a box. */
export function kindColour(data: BoxData): string {
  const { view } = data;
  if (!view) return "var(--kind-output)";
  if (view.role === "input" || view.role === "data_sample") return `var(--port-${view.outputs[0]?.colour || "any"})`;
  if (view.role === "subgraph") return "var(--kind-subgraph)";
  return colourOfKind(view.kind);
}

/** `roi_extractors` as people read it. */
export const wordsOfKind = (kind: string): string => {
  const words = kind.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};
