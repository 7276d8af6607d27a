import type { GraphView, NodeView, OutputView, PortView, WireView } from "../payloads";
import { MODES } from "./operations";

/** A port as a line of a box; a port that takes many has one line for each wire and a free one. */
export interface Row {
  /** What the server calls this end: `neck.feature`, `backbone.out[2]`. */
  end: string;
  /** The handle's id: the end, and which wire of a port that takes many. */
  handle: string;
  label: string;
  hint: string;
  colour: string;
  size: string | null;
  wired: boolean;
  /** It needs a wire and has none. */
  missing: boolean;
  optional: boolean;
  /** The line where something new can be wired. */
  free: boolean;
  level: number | null;
  sequence: boolean;
}

export const boxOf = (output: OutputView): string => (output.mode ? `outputs.${output.mode}` : "outputs");
/** The boxes of outputs: one for each mode, or the subgraph's; there from the first node on, so that they can be wired to. */
export function outputBoxes(view: GraphView): OutputView[] {
  if (view.path.length) return view.outputs.length ? view.outputs : [{ mode: null, position: null, ports: [] }];
  if (!view.nodes.length) return view.outputs;
  return MODES.map(
    (mode) => view.outputs.find((output) => output.mode === mode) ?? { mode, position: null, ports: [] },
  );
}

/** The handle of a new output. */
export const freeOutput = (box: string): string => `${box}.+`;
export const isInput = (node: NodeView): boolean => node.role === "input" || node.role === "data_sample";

const row = (end: string, port: PortView | null, part: Partial<Row>): Row => ({
  end,
  handle: end,
  label: port?.name ?? "",
  hint: port
    ? `${port.name}: ${port.type}${port.axes ? `, ${port.axes}` : ""}${port.size ? ` (${port.size})` : ""}`
    : "",
  colour: port?.colour || "any",
  size: port?.size ?? null,
  wired: false,
  missing: false,
  optional: port?.optional ?? false,
  free: false,
  level: null,
  sequence: false,
  ...part,
});

/** Wires by the box they go to and the box they come from. */
export interface Wiring {
  into: Map<string, WireView[]>;
  from: Map<string, WireView[]>;
}

export function wiringOf(view: GraphView): Wiring {
  const into = new Map<string, WireView[]>();
  const from = new Map<string, WireView[]>();
  const put = (map: Map<string, WireView[]>, name: string, wire: WireView) => {
    const found = map.get(name);
    if (found) found.push(wire);
    else map.set(name, [wire]);
  };
  for (const wire of view.wires) {
    put(into, wire.node, wire);
    put(from, wire.from_node, wire);
  }
  return { into, from };
}

/** The lines on the left of a node. */
export function inputRows(node: NodeView, wires: WireView[]): Row[] {
  const known = new Set(node.inputs.map((port) => port.name));
  const rows = node.inputs.flatMap((port) => {
    const end = `${node.name}.${port.name}`;
    const mine = wires.filter((wire) => wire.port === port.name);
    if (!port.variadic) {
      const wired = mine.length > 0;
      return [row(end, port, { wired, missing: !wired && !port.optional })];
    }
    const places = [...new Set(mine.map((wire) => wire.at ?? 0))].sort((a, b) => a - b);
    const taken = places.map((at) =>
      row(end, port, { handle: `${end}#${at}`, label: `${port.name}[${at}]`, wired: true }),
    );
    const missing = !places.length && !port.optional;
    return [...taken, row(end, port, { label: `+ ${port.name}`, free: true, missing })];
  });
  const stray = new Set(wires.map((wire) => wire.port).filter((port) => !known.has(port)));
  return [...rows, ...[...stray].map((port) => row(`${node.name}.${port}`, null, { label: port, wired: true }))];
}

/** The lines on the right of a node; a sequence that is opened has one more for each level. */
export function outputRows(node: NodeView, wires: WireView[], open: (end: string) => boolean): Row[] {
  if (isInput(node)) {
    const port = node.outputs[0] ?? null;
    const label = node.shape ? node.shape.join(" ") : (port?.size ?? "any size");
    return [row(node.name, port, { label, hint: `${node.name}: ${node.type}`, wired: wires.length > 0 })];
  }
  const known = new Set(node.outputs.map((port) => port.name));
  const rows = node.outputs.flatMap((port) => {
    const end = `${node.name}.${port.name}`;
    const mine = wires.filter((wire) => wire.from_port === port.name);
    const main = row(end, port, { wired: mine.length > 0, sequence: port.sequence });
    if (!port.sequence || !open(end)) return [main];
    const sizes = levelsOf(port, mine);
    return [
      main,
      ...sizes.map((size, level) =>
        row(`${end}[${level}]`, port, {
          label: `[${level}]${size ? ` ${size}` : ""}`,
          hint: `${port.name}[${level}]${size ? ` (${size})` : ""}`,
          size,
          level,
          wired: mine.some((wire) => wire.index !== null && at(wire.index, sizes.length) === level),
        }),
      ),
    ];
  });
  const stray = new Set(wires.map((wire) => wire.from_port).filter((port) => port !== null && !known.has(port)));
  return [...rows, ...[...stray].map((port) => row(`${node.name}.${port}`, null, { label: port ?? "", wired: true }))];
}

const at = (index: number, length: number): number => (index < 0 ? length + index : index);

/** What each level carries; where that is not known, as many as are wired. */
function levelsOf(port: PortView, wires: WireView[]): (string | null)[] {
  if (port.levels?.length) return port.levels;
  const most = Math.max(
    1,
    ...wires.map((wire) => (wire.index === null ? 0 : wire.index < 0 ? -wire.index : wire.index + 1)),
  );
  return Array.from({ length: most }, () => null);
}

/** The lines of the box of a mode's outputs, with a free one. */
export function outputBoxRows(output: OutputView): Row[] {
  const box = boxOf(output);
  return [
    ...output.ports.map((port) => row(`${box}.${port.name}`, port, { wired: true })),
    row(freeOutput(box), null, { label: "+ output", hint: "Wire something here to give it out", free: true }),
  ];
}

/** The handle that a wire leaves: its level's where the sequence is opened. */
export function sourceHandle(wire: WireView, rows: Row[]): string {
  if (wire.from_port === null) return wire.from_node;
  const end = `${wire.from_node}.${wire.from_port}`;
  if (wire.index === null) return end;
  const levels = rows.filter((one) => one.level !== null && one.end.startsWith(`${end}[`)).length;
  return levels ? `${end}[${at(wire.index, levels)}]` : end;
}

/** The handle that a wire goes to. */
export function targetHandle(wire: WireView, rows: Row[]): string {
  const end = `${wire.node}.${wire.port}`;
  const mine = `${end}#${wire.at ?? 0}`;
  return rows.some((one) => one.handle === mine) ? mine : end;
}
