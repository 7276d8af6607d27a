import { useStore } from "@xyflow/react";
import { keysOf, shortcut } from "../shortcuts";
import { Button } from "../ui/Button";
import { isMapShown, useCanvas } from "./state";
import { SCROLLS, type Scroll, useScroll } from "./wheel";

const WORDS: Record<Scroll, string> = {
  auto: "Scroll: auto",
  mouse: "Scroll zooms",
  trackpad: "Scroll moves",
};

/** What scrolling does: zoom (a mouse), or move the view while a pinch zooms (a trackpad). */
function ScrollSetting() {
  const { scroll, choose } = useScroll();
  return (
    <select
      aria-label="What scrolling does"
      title="Auto: the wheel of a mouse zooms; on a trackpad two fingers move the view, and a pinch zooms"
      value={scroll}
      onChange={(event) => choose(SCROLLS.find((one) => one === event.target.value) ?? "auto")}
    >
      {SCROLLS.map((one) => (
        <option key={one} value={one}>
          {WORDS[one]}
        </option>
      ))}
    </select>
  );
}

/** Zoom, fit and automatic layout by the mouse. */
export function ZoomBar() {
  const zoom = useStore((state) => Math.round(state.transform[2] * 100));
  const button = (id: string, sign: string) => (
    <Button
      look="bare"
      aria-label={shortcut(id)?.words}
      title={`${shortcut(id)?.words} (${keysOf(id)})`}
      onClick={() => shortcut(id)?.action()}
    >
      {sign}
    </Button>
  );
  return (
    <div className="composer-zoombar" role="toolbar" aria-label="view">
      {button("zoom-out", "−")}
      {button("zoom-reset", `${zoom}%`)}
      {button("zoom-in", "+")}
      <i />
      {button("fit", "Fit")}
      {button("layout", "Lay out")}
      <MapButton />
      <i />
      <ScrollSetting />
    </div>
  );
}

/** Shows the map, or hides it. */
function MapButton() {
  const shown = useCanvas(isMapShown);
  const words = shown ? "Hide the map" : "Show the map";
  return (
    <Button
      look="bare"
      aria-label={words}
      title={words}
      aria-pressed={shown}
      onClick={() => useCanvas.getState().set({ map: shown ? "never" : "always" })}
    >
      Map
    </Button>
  );
}
