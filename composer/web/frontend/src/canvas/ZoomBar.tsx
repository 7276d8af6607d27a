import { useStore } from "@xyflow/react";
import { keysOf, shortcut } from "../shortcuts";

/** Zoom, fit and automatic layout by the mouse. */
export function ZoomBar() {
  const zoom = useStore((state) => Math.round(state.transform[2] * 100));
  const button = (id: string, sign: string) => (
    <button
      type="button"
      aria-label={shortcut(id)?.words}
      title={`${shortcut(id)?.words} (${keysOf(id)})`}
      onClick={() => shortcut(id)?.action()}
    >
      {sign}
    </button>
  );
  return (
    <div className="composer-zoombar" role="toolbar" aria-label="view">
      {button("zoom-out", "−")}
      {button("zoom-reset", `${zoom}%`)}
      {button("zoom-in", "+")}
      <i />
      {button("fit", "Fit")}
      {button("layout", "Lay out")}
    </div>
  );
}
