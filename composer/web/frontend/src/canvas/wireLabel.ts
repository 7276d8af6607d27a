import { MODES } from "../operations";
import type { WireView } from "../payloads";

interface Label {
  /** The first letters of the modes that it serves, where it does not serve all. */
  modes: string;
  level: string;
  size: string;
  /** About how wide it is drawn, in pixels. */
  width: number;
}

export function wireLabel(wire: WireView): Label {
  const modes = wire.modes ? MODES.filter((mode) => wire.modes?.includes(mode)).map((mode) => mode.charAt(0).toUpperCase()).join(" ") : "";
  const level = wire.index === null ? "" : `[${wire.index}]`;
  const size = wire.size ?? "";
  const letters = [modes, level, size].filter(Boolean).join(" ").length;
  return { modes, level, size, width: letters * 6.4 };
}
