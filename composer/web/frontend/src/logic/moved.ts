import type { GraphView } from "../payloads";
import type { Operation } from "./operations";

/** The view after boxes were moved, which the server need not draw again; the same view where nothing was. */
export function moved(view: GraphView | null, operations: Operation[]): GraphView | null {
  const positions = new Map<string, [number, number]>();
  for (const operation of operations) {
    if (operation.op !== "place") continue;
    for (const [name, position] of Object.entries(operation.positions)) positions.set(name, position);
  }
  if (!view || !positions.size) return view;
  return {
    ...view,
    nodes: view.nodes.map((node) => {
      const position = positions.get(node.name);
      return position ? { ...node, position } : node;
    }),
    outputs: view.outputs.map((output) => {
      const position = positions.get(output.mode ? `outputs.${output.mode}` : "outputs");
      return position ? { ...output, position } : output;
    }),
  };
}
