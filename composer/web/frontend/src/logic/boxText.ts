import type { NodeView } from "../payloads";

export interface Badge {
  kind: "shared" | "momentum" | "frozen" | "bypassed" | "placeholder" | "unwired";
  words: string;
  hint: string;
}

/** The words on a box. */
export interface BoxText {
  title: string;
  type: string;
  numbers: string;
  badges: Badge[];
  params: string;
  /** What a screen reader says: `backbone, ResNet, 3 wires, 1 problem`. */
  label: string;
}

const UNITS: [number, string][] = [
  [1e9, " G"],
  [1e6, " M"],
  [1e3, " k"],
];

/** A count in three digits: `11.2 M`. */
export function short(count: number): string {
  for (const [size, unit] of UNITS) {
    if (count >= 0.9995 * size) return `${Number((count / size).toPrecision(3))}${unit}`;
  }
  return String(count);
}

function badges(node: NodeView): Badge[] {
  const found: Badge[] = [];
  const { rule, source, decay } = node.weights;
  if (rule === "share")
    found.push({ kind: "shared", words: `shares ${source}`, hint: `Its weights are those of ${source}` });
  if (rule === "momentum") {
    found.push({ kind: "momentum", words: `follows ${source}`, hint: `A momentum copy of ${source}, decay ${decay}` });
  }
  if (node.frozen) found.push({ kind: "frozen", words: "frozen", hint: "Its weights and statistics stay as they are" });
  if (node.bypassed) found.push({ kind: "bypassed", words: "bypassed", hint: "What flows into it is led past it" });
  if (node.state === "unwired") {
    found.push({ kind: "unwired", words: "not wired yet", hint: "Drag a wire from one of its ports, or press C" });
  }
  if (node.state === "placeholder") {
    found.push({
      kind: "placeholder",
      words: node.kind === "unknown" ? "unknown type" : "not installed",
      hint:
        node.kind === "unknown"
          ? `${node.type} is not in the catalog; it is kept as it is`
          : `${node.type} needs a package that is not installed; it is kept as it is`,
    });
  }
  return found;
}

function worded(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 18 ? `${text.slice(0, 17)}…` : text;
}

/** The first parameters that were set, in one line. */
export function paramsLine(params: Record<string, unknown>): string {
  const names = Object.keys(params);
  const shown = names.slice(0, names.length > 3 ? 2 : 3).map((name) => `${name} ${worded(params[name])}`);
  if (names.length > shown.length) shown.push(`+${names.length - shown.length}`);
  return shown.join("  ");
}

const many = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

export function boxText(node: NodeView, wires: number): BoxText {
  const section = node.role === "data_sample" ? "data sample" : node.role === "input" ? "input" : "";
  const label = [
    node.name,
    section,
    node.type,
    node.bypassed ? "bypassed" : "",
    many(wires, "wire"),
    node.problems ? many(node.problems, "problem") : "",
  ];
  return {
    title: node.name,
    type: section ? `${section}, ${node.type}` : node.type,
    numbers: node.parameters ? short(node.parameters) : "",
    badges: badges(node),
    params: paramsLine(node.params),
    label: label.filter(Boolean).join(", "),
  };
}
