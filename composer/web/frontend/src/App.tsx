import { ReactFlowProvider } from "@xyflow/react";
import { Canvas } from "./canvas/Canvas";
import { Dialogs } from "./dialogs/Dialogs";
import { Guarded } from "./Guarded";
import { Palette } from "./palette/Palette";
import { Side } from "./side/Side";
import { Toolbar } from "./toolbar/Toolbar";

export function App() {
  return (
    <ReactFlowProvider>
      <div className="composer">
        <Guarded what="toolbar"><Toolbar /></Guarded>
        <div className="composer-body">
          <Guarded what="palette"><Palette /></Guarded>
          <Guarded what="canvas"><Canvas /></Guarded>
          <Guarded what="side panel"><Side /></Guarded>
        </div>
        <Guarded what="dialog"><Dialogs /></Guarded>
      </div>
    </ReactFlowProvider>
  );
}
