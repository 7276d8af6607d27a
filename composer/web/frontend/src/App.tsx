import { ReactFlowProvider } from "@xyflow/react";
import { Canvas } from "./canvas/Canvas";
import { Dialogs } from "./dialogs/Dialogs";
import { Palette } from "./palette/Palette";
import { Side } from "./side/Side";
import { Toolbar } from "./toolbar/Toolbar";

export function App() {
  return (
    <ReactFlowProvider>
      <div className="composer">
        <Toolbar />
        <div className="composer-body">
          <Palette />
          <Canvas />
          <Side />
        </div>
        <Dialogs />
      </div>
    </ReactFlowProvider>
  );
}
