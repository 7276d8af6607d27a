import { ReactFlowProvider } from "@xyflow/react";
import { Canvas } from "./canvas/Canvas";
import { Dialogs } from "./dialogs/Dialogs";
import { Guarded } from "./Guarded";
import { Palette } from "./palette/Palette";
import { Side } from "./side/Side";
import { useComposer } from "./store";
import { Toolbar } from "./toolbar/Toolbar";

export function App() {
  const { palette, side } = useComposer((state) => state.hidden);
  return (
    <ReactFlowProvider>
      <div className="composer">
        <Guarded what="toolbar">
          <Toolbar />
        </Guarded>
        <div className={`composer-body${palette ? " is-without-palette" : ""}${side ? " is-without-side" : ""}`}>
          <Guarded what="palette">
            <Palette />
          </Guarded>
          <Guarded what="canvas">
            <Canvas />
          </Guarded>
          <Guarded what="side panel">
            <Side />
          </Guarded>
        </div>
        <Guarded what="dialog">
          <Dialogs />
        </Guarded>
      </div>
    </ReactFlowProvider>
  );
}
