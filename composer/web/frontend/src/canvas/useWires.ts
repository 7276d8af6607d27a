import type { Connection, FinalConnectionState, OnConnectStartParams } from "@xyflow/react";
import { useMemo } from "react";
import { useComposer } from "../store";
import type { Wire } from "./drawing";
import { useCanvas } from "./state";
import { beginWire, connect, endOf, reconnect, refusal, removeWire, targetOf } from "./wiring";

/** What dragging the ends of wires does. */
export function useWires() {
  return useMemo(() => {
    let moving: Wire | null = null;
    let landed = false;

    const onConnectStart = (_: unknown, { handleId, handleType }: OnConnectStartParams) => {
      if (handleId && handleType) void beginWire(handleId, handleType);
    };
    const onConnect = ({ sourceHandle, targetHandle }: Connection) => {
      if (sourceHandle && targetHandle) void connect(sourceHandle, targetHandle);
    };
    const isValidConnection = (wire: Connection | Wire) => {
      const { wiring } = useCanvas.getState();
      const end = wiring?.from === "source" ? wire.targetHandle : wire.sourceHandle;
      return !end || refusal(end) === null;
    };
    const onConnectEnd = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
      const { wiring, flow, set } = useCanvas.getState();
      set({ wiring: null });
      const reason = state.toHandle?.id ? (wiring?.reasons?.get(endOf(state.toHandle.id)) ?? null) : null;
      if (reason && !state.isValid) return useComposer.getState().tell("error", reason);
      if (moving || state.isValid || state.toHandle || !wiring || !flow || !("clientX" in event)) return;
      if (!(event.target instanceof Element) || !event.target.closest(".react-flow__pane")) return;
      const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
      const waiting = wiring.from === "source" ? { source: wiring.end } : { target: targetOf(wiring.end) };
      set({ popup: { kind: "search", at: [event.clientX, event.clientY], spot: [x, y], ...waiting } });
    };

    const onReconnectStart = (_: unknown, wire: Wire) => {
      moving = wire;
      landed = false;
    };
    const onReconnect = (wire: Wire, { sourceHandle, targetHandle }: Connection) => {
      landed = true;
      if (wire.data && sourceHandle && targetHandle)
        void reconnect(wire.data.view, sourceOf(wire, sourceHandle), targetHandle);
    };
    /** Let go over nothing: the wire is taken away. */
    const onReconnectEnd = (event: MouseEvent | TouchEvent, wire: Wire, _: unknown, state: FinalConnectionState) => {
      const empty = event.target instanceof Element && event.target.closest(".react-flow__pane") !== null;
      if (!landed && !state.toHandle && empty && wire.data) void removeWire(wire.data.view);
      moving = null;
    };
    const onEdgeClick = (_: unknown, wire: Wire) => useComposer.getState().select([], wire.id);
    return {
      onConnectStart,
      onConnect,
      onConnectEnd,
      onReconnectStart,
      onReconnect,
      onReconnectEnd,
      isValidConnection,
      onEdgeClick,
    };
  }, []);
}

/** The source of a wire whose end was moved: with the level that it took, where that end stayed. */
function sourceOf(wire: Wire, source: string): string {
  return source === wire.sourceHandle && wire.data ? wire.data.view.source : source;
}
