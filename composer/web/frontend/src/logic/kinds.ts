import type { CatalogView, NodeView } from "../payloads";

/** The name of a kind as part of the name of a CSS property. */
const plain = (kind: string): string => kind.replace(/[^\w-]/g, (letter) => `_${letter.codePointAt(0)}`);

/** The colour of a kind; of one that the catalog does not have, grey. */
export const colourOfKind = (kind: string): string => `var(--kind-${plain(kind)}, var(--kind-other))`;

/** The colours of all kinds as CSS properties, on a light and on a dark ground. */
export function kindStyles(kinds: CatalogView["kinds"]): string {
  const properties = (ground: "colour" | "dark") =>
    kinds.map((kind) => `--kind-${plain(kind.name)}:${kind[ground]};`).join("");
  return `.composer{${properties("colour")}}.dark .composer{${properties("dark")}}`;
}

/** The colour in the head of a box: of a node, or of outputs where there is none. */
export function kindColour(view: NodeView | null): string {
  if (!view) return "var(--kind-output)";
  if (view.role === "input" || view.role === "data_sample") return `var(--port-${view.outputs[0]?.colour || "any"})`;
  if (view.role === "subgraph") return "var(--kind-subgraph)";
  return colourOfKind(view.kind);
}
