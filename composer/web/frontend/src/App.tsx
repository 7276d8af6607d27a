import { ReactFlowProvider } from "@xyflow/react";
import { type CSSProperties, useSyncExternalStore } from "react";
import { Canvas } from "./canvas/Canvas";
import { useKeys } from "./canvas/useKeys";
import { Dialogs } from "./dialogs/Dialogs";
import { isComposing } from "./logic/keys";
import { kindStyles } from "./logic/kinds";
import { Palette } from "./palette/Palette";
import { Side } from "./side/Side";
import { useSizes, within } from "./sizes";
import { useComposer } from "./store";
import { Toolbar } from "./toolbar/Toolbar";
import { TrainTab } from "./train/TrainTab";
import { Guarded } from "./ui/Guarded";
import { Splitter } from "./ui/Splitter";
import { useDockOpen } from "./useDockOpen";
import { useTraining } from "./values/useTraining";
import { ValuesPanel } from "./values/ValuesPanel";

export function App() {
  const { palette, side } = useComposer((state) => state.hidden);
  const kinds = useComposer((state) => state.catalog?.kinds);
  const sizes = useSizes();
  const dock = useDockOpen();
  useKeys();
  useTraining();
  useWindowSize();
  const widths = {
    "--w-palette": palette ? "0px" : `${within("palette", sizes, window)}px`,
    "--w-side": side ? "0px" : `${within("side", sizes, window)}px`,
  } as CSSProperties;
  return (
    <ReactFlowProvider>
      <div
        className="composer"
        onKeyDownCapture={(event) => {
          if (!isComposing(event.nativeEvent)) return;
          event.stopPropagation();
          if (event.key === "Escape") event.preventDefault(); // else a search field is emptied
        }}
      >
        {kinds && <style>{kindStyles(kinds)}</style>}
        <Guarded what="toolbar">
          <Toolbar />
        </Guarded>
        <div
          className={`composer-body${palette ? " is-without-palette" : ""}${side ? " is-without-side" : ""}`}
          style={widths}
        >
          <Guarded what="palette">
            <Palette />
          </Guarded>
          <Guarded what="canvas">
            <Canvas />
          </Guarded>
          <Guarded what="side panel">
            <Side />
          </Guarded>
          {!palette && <Splitter part="palette" words="Width of the palette" edge="right" />}
          {!side && <Splitter part="side" words="Width of the side panel" edge="left" />}
        </div>
        <Guarded what="values">
          <ValuesPanel />
        </Guarded>
        <Guarded what="Train tab">
          <TrainTab />
        </Guarded>
        {dock && <Splitter part="dock" words="Height of the dock" edge="top" />}
        <Dialogs />
      </div>
    </ReactFlowProvider>
  );
}

/** Draws anew when the window gets another size. */
const useWindowSize = (): number =>
  useSyncExternalStore(
    (changed) => {
      window.addEventListener("resize", changed);
      return () => window.removeEventListener("resize", changed);
    },
    () => window.innerWidth * 65536 + window.innerHeight,
  );
