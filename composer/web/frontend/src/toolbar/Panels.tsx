import { keysOf } from "../shortcuts";
import { useComposer } from "../store";
import { IconButton } from "../ui/Button";

const PANELS = {
  palette: { words: "palette", icon: "left", shortcut: "toggle-palette" },
  side: { words: "side panel", icon: "side", shortcut: "toggle-side" },
} as const;

/** Shows or hides the panel beside the canvas. */
export function PanelButton({ panel }: { panel: keyof typeof PANELS }) {
  const hidden = useComposer((state) => state.hidden[panel]);
  const toggle = useComposer((state) => state.toggle);
  const { words, icon, shortcut } = PANELS[panel];
  const label = `${hidden ? "Show" : "Hide"} the ${words}`;
  return (
    <IconButton
      icon={icon}
      label={label}
      aria-pressed={!hidden}
      title={`${label} (${keysOf(shortcut)})`}
      onClick={() => toggle(panel)}
    />
  );
}
