import type { WireView } from "../payloads";
import { MODES } from "./operations";

interface Label {
  /** The first letters of the modes that it serves, where it does not serve all. */
  modes: string;
  level: string;
  size: string;
}

const LETTER = 6.65;

/** What is written on a wire: the modes, the level and the size that it carries, as much as there is room for. */
export function wireLabel(wire: WireView, room: number): Label | null {
  const modes = wire.modes
    ? MODES.filter((mode) => wire.modes?.includes(mode))
        .map((mode) => mode.charAt(0).toUpperCase())
        .join(" ")
    : "";
  const level = wire.index === null ? "" : `[${wire.index}]`;
  const size = wire.size ?? "";
  const tries: Label[] = [
    { modes, level, size },
    { modes, level: "", size },
    { modes: "", level: "", size },
    { modes, level: "", size: "" },
  ];
  const letters = (label: Label) => [label.modes, label.level, label.size].filter(Boolean).join(" ").length;
  return tries.find((label) => letters(label) > 0 && letters(label) * LETTER <= room) ?? null;
}
