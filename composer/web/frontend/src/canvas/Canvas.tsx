import "./canvas.css";
import "./box.css";
import "./popups.css";
import {
  Background,
  BackgroundVariant,
  ConnectionMode,
  ReactFlow,
  SelectionMode,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { type RefObject, useEffect, useRef } from "react";
import { useComposer } from "../store";
import { Guarded, guardedKind } from "../ui/Guarded";
import { ValuesBar } from "../values/ValuesBar";
import { Beginning } from "./Beginning";
import { BoxNode, isFar } from "./BoxNode";
import { Breadcrumb } from "./Breadcrumb";
import { Carried } from "./Carried";
import { ChooseEnd } from "./ChooseEnd";
import { CommentNode } from "./CommentNode";
import { ConnectTo } from "./ConnectTo";
import { watchDrags } from "./dragging";
import type { Box, Wire } from "./drawing";
import { EmptyState } from "./EmptyState";
import { FitHint } from "./FitHint";
import { growing } from "./freePlace";
import { InsertInto } from "./InsertInto";
import { Legend } from "./Legend";
import { Menu } from "./Menu";
import { Overview } from "./Overview";
import { ReplaceWith } from "./ReplaceWith";
import { Search } from "./Search";
import { closePopup, useCanvas } from "./state";
import { useDrawing } from "./useDrawing";
import { usePointer } from "./usePointer";
import { useRoutes } from "./useRoutes";
import { useSight } from "./useSight";
import { useTouch } from "./useTouch";
import { useWires } from "./useWires";
import { WireEdge } from "./WireEdge";
import { useWheel } from "./wheel";
import { ZoomBar } from "./ZoomBar";

const NODE_TYPES = { box: guardedKind("box", BoxNode), comment: guardedKind("comment", CommentNode) };
const EDGE_TYPES = { wire: WireEdge };
const GRID: [number, number] = [8, 8];
/** With one of these a click adds to the selection. */
const ADDING = ["Shift", "Control", "Meta"];
/** Above so many boxes only those in sight are drawn. */
const MANY = 200;

/** The graph as boxes and wires. */
export function Canvas() {
  const root = useRef<HTMLElement>(null);
  const { boxes, wires, onNodesChange } = useDrawing();
  useRoutes(boxes, wires);
  const onWires = useWires();
  const onPointer = usePointer();
  useWheel();
  useTouch();
  useEffect(watchDrags, []);
  const far = useStore(isFar);
  return (
    <main ref={root} className="composer-canvas" aria-label="canvas" tabIndex={0} {...onPointer.root}>
      <ReactFlow<Box, Wire>
        nodes={boxes}
        edges={wires}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        {...onWires}
        {...onPointer.flow}
        minZoom={0.05}
        maxZoom={2}
        snapToGrid
        snapGrid={GRID}
        connectionMode={ConnectionMode.Strict}
        connectionRadius={28}
        selectionMode={SelectionMode.Partial}
        panActivationKeyCode={null}
        multiSelectionKeyCode={ADDING}
        connectOnClick={false}
        autoPanOnConnect={false}
        autoPanOnNodeDrag={false}
        autoPanOnSelection={false}
        deleteKeyCode={null}
        disableKeyboardA11y
        edgesFocusable={false}
        edgesReconnectable={!far}
        zoomOnDoubleClick={false}
        elevateNodesOnSelect
        onlyRenderVisibleElements={boxes.length > MANY}
        proOptions={PRO}
      >
        <Background variant={BackgroundVariant.Dots} gap={24} size={1.6} color="var(--c-line)" />
        <Overview />
        <FitHint />
        <Beginning />
        <Sight root={root} />
      </ReactFlow>
      <Guarded what="values">
        <ValuesBar />
      </Guarded>
      <div className="composer-canvas-top">
        <Guarded what="breadcrumb">
          <Breadcrumb />
        </Guarded>
        <Guarded what="legend">
          <Legend />
        </Guarded>
      </div>
      <EmptyState />
      <ZoomBar />
      <Popups />
      <Carried />
    </main>
  );
}

const PRO = { hideAttribution: true };

function Popups() {
  const popup = useCanvas((state) => state.popup);
  if (!popup) return null;
  return (
    <Guarded key={popup.kind} what={popup.kind === "menu" ? "menu" : "list"} close={closePopup}>
      {popup.kind === "search" && <Search asked={popup} />}
      {popup.kind === "connect" && <ConnectTo node={popup.node} />}
      {popup.kind === "replace" && <ReplaceWith node={popup.node} />}
      {popup.kind === "insert" && <InsertInto wire={popup.wire} />}
      {popup.kind === "ends" && <ChooseEnd asked={popup} />}
      {popup.kind === "menu" && <Menu asked={popup} />}
    </Guarded>
  );
}

/** Hands the canvas to the commands, and gives the style sheet how far away the eye is. */
function Sight({ root }: { root: RefObject<HTMLElement | null> }) {
  const flow = useReactFlow<Box, Wire>();
  const distance = useStore((state) =>
    state.transform[2] < 0.3 ? "far" : state.transform[2] < 0.42 ? "middle" : "near",
  );
  useEffect(() => {
    useCanvas.getState().set({ flow, root: root.current });
    useComposer.getState().set({ growing });
    return () => {
      useCanvas.getState().set({ flow: null, root: null, popup: null });
      useComposer.getState().set({ growing: null });
    };
  }, [flow, root]);
  useEffect(() => {
    if (root.current) root.current.dataset.distance = distance;
  }, [distance, root]);
  useSight();
  return null;
}
