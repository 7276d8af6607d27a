import { type Connection, type FinalConnectionState, type OnConnectStartParams, useStoreApi } from "@xyflow/react";
import { type MouseEvent as ReactMouseEvent, useMemo } from "react";
import type { Point } from "../logic/geometry";
import { useComposer } from "../store";
import { beginDrag, endDrag, letGo } from "./dragging";
import type { Wire } from "./drawing";
import { panAtEdges } from "./panning";
import { useCanvas, type Wiring } from "./state";
import { pointOf, underneath } from "./underneath";
import { beginWire, connect, type Ends, endOf, held, reconnect, refusal, removeWire, targetOf, worded } from "./wiring";

/** A wire that is dragged: what the server says of its ends, and the wire whose end is moved. */
interface Pulled {
  wiring: Wiring;
  ends: Promise<Ends>;
  moved: Wire | null;
  stop: () => void;
}

/** What dragging the ends of wires does. */
export function useWires() {
  const store = useStoreApi();
  return useMemo(() => {
    let moved: Wire | null = null;
    let pulled: Pulled | null = null;

    const onConnectStart = (event: MouseEvent | TouchEvent, { handleId, handleType }: OnConnectStartParams) => {
      if (!handleId || !handleType) return;
      const wire = moved;
      beginDrag(() => {
        drop();
        letGo();
      });
      const ends = beginWire(handleId, handleType);
      const { wiring } = useCanvas.getState();
      if (wiring) pulled = { wiring, ends, moved: wire, stop: follow(event, store) };
    };
    /** The wire is in nobody's hand any more; gives what was pulled. */
    const drop = (): Pulled | null => {
      const found = pulled;
      pulled = null;
      moved = null;
      found?.stop();
      useCanvas.getState().set({ wiring: null, over: null });
      return found;
    };
    const onConnect = ({ sourceHandle, targetHandle }: Connection) => {
      if (pulled && sourceHandle && targetHandle) void connect(sourceHandle, targetHandle);
    };
    const onReconnect = (wire: Wire, { sourceHandle, targetHandle }: Connection) => {
      if (pulled && wire.data && sourceHandle && targetHandle)
        void reconnect(wire.data.view, sourceOf(wire, sourceHandle), targetHandle);
    };
    const isValidConnection = (wire: Connection | Wire) => {
      const { wiring } = useCanvas.getState();
      const end = wiring?.from === "source" ? wire.targetHandle : wire.sourceHandle;
      return !end || refusal(end) === null;
    };
    const onConnectEnd = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
      const found = drop();
      if (!found) return;
      endDrag();
      if (!state.isValid) void letGoOf(found, event, state);
    };
    const onReconnectStart = (_: unknown, wire: Wire) => {
      moved = wire;
    };
    const onEdgeClick = (event: ReactMouseEvent, wire: Wire) => {
      const { select, pickWire } = useComposer.getState();
      if (event.shiftKey || event.ctrlKey || event.metaKey) pickWire(wire.id);
      else select([], wire.id);
    };
    return { onConnectStart, onConnect, onConnectEnd, onReconnectStart, onReconnect, isValidConnection, onEdgeClick };
  }, [store]);
}

/** Move the view near its edges, and say what lies under the pointer, until the wire is let go. */
function follow(event: MouseEvent | TouchEvent, store: ReturnType<typeof useStoreApi>): () => void {
  const panning = panAtEdges(pointOf(event), (by) => void store.getState().panBy(by));
  const moves = (next: MouseEvent | TouchEvent) => {
    const at = pointOf(next);
    panning.move(at);
    hover(at, store.getState().connection.isValid === true);
  };
  window.addEventListener("mousemove", moves);
  window.addEventListener("touchmove", moves);
  return () => {
    panning.stop();
    window.removeEventListener("mousemove", moves);
    window.removeEventListener("touchmove", moves);
  };
}

/** Light the box under the pointer, and say where the wire would go, unless a port near by takes it. */
function hover(at: Point, taken: boolean): void {
  const { wiring, over, set } = useCanvas.getState();
  const { box } = wiring && !taken ? underneath(at) : { box: null };
  const fit = box === null || isOwn(wiring, box) ? undefined : wiring?.boxes?.get(box);
  if (box === null || !fit || portAt(at)) {
    if (over) set({ over: null });
    return;
  }
  const [end] = fit.ends;
  const words = fit.ends.length > 1 ? `${fit.ends.length} ports fit: choose one` : end ? described(end) : fit.reason;
  set({ over: { kind: "box", id: box, at, words: words ?? "", refused: fit.ends.length === 0 } });
}

/** An end, and the wire whose place is taken there. */
const described = (end: string): string => `${worded(end)}${held(end) ? `, now ${held(end)}` : ""}`;

const isOwn = (wiring: Wiring | null, box: string): boolean =>
  wiring !== null && (wiring.end === box || wiring.end.slice(0, wiring.end.lastIndexOf(".")) === box);

/** The port whose handle is at a point. */
const portAt = ([x, y]: Point): string | null =>
  document.elementFromPoint(x, y)?.closest<HTMLElement>(".react-flow__handle")?.dataset.handleid ?? null;

/** The wire was let go where no port takes it: on a box, on the ground, or on a port that refuses it. */
async function letGoOf({ wiring, ends, moved }: Pulled, event: MouseEvent | TouchEvent, state: FinalConnectionState) {
  const at = pointOf(event);
  const { box, ground } = underneath(at);
  const { reasons, boxes } = await ends;
  const port = portAt(at) ?? (ground || box === null ? state.toHandle?.id : null);
  const reason = port ? (reasons?.get(endOf(port)) ?? null) : null;
  if (reason && port !== wiring.end) return useComposer.getState().notify("error", reason);
  if (box !== null) return isOwn(wiring, box) ? undefined : onBox(wiring, moved, at, boxes?.get(box));
  if (!ground) return;
  if (moved) return moved.data && removeWire(moved.data.view);
  openSearch(wiring, at);
}

/** Wire it to the port that fits; where several fit equally, ask. */
function onBox(
  wiring: Wiring,
  moved: Wire | null,
  at: Point,
  fit: { ends: string[]; reason?: string | null } | undefined,
) {
  if (!fit) return;
  const take = (end: string) => {
    const [source, target] = wiring.from === "source" ? [wiring.end, end] : [end, wiring.end];
    const before = held(target);
    if (before) useComposer.getState().notify("info", `${target} takes ${source}; it had ${before}.`);
    if (!moved?.data) return void connect(source, target);
    void reconnect(moved.data.view, wiring.from === "source" ? moved.data.view.source : source, target);
  };
  const [only, another] = fit.ends;
  if (!only) return useComposer.getState().notify("error", fit.reason ?? "nothing of it fits");
  if (!another) return take(only);
  useCanvas.getState().set({ popup: { kind: "ends", at, title: `${wiring.end} fits`, ends: fit.ends, take } });
}

function openSearch(wiring: Wiring, at: Point): void {
  const { flow, set } = useCanvas.getState();
  if (!flow) return;
  const { x, y } = flow.screenToFlowPosition({ x: at[0], y: at[1] });
  const waiting = wiring.from === "source" ? { source: wiring.end } : { target: targetOf(wiring.end) };
  set({ popup: { kind: "search", at, spot: [x, y], ...waiting } });
}

/** The source of a wire whose end was moved: with the level that it took, where that end stayed. */
function sourceOf(wire: Wire, source: string): string {
  return source === wire.sourceHandle && wire.data ? wire.data.view.source : source;
}
