import type { MouseEvent as ReactMouseEvent } from "react";
import { useMemo } from "react";
import type { Point } from "../logic/geometry";
import { useComposer } from "../store";
import { BoxDrag } from "./boxDrag";
import { openSearch } from "./commands";
import { beginDrag, endDrag } from "./dragging";
import type { Box, Wire } from "./drawing";
import { panAtEdges, panBy } from "./panning";
import { type Popup, pointer, useCanvas } from "./state";

type Menu = Extract<Popup, { kind: "menu" }>["about"];

/** What the mouse does on the canvas but for wires. */
export function usePointer() {
  return useMemo(() => {
    const menu = (event: MouseEvent | ReactMouseEvent, about: Menu) => {
      event.preventDefault();
      useCanvas.getState().set({ popup: { kind: "menu", at: [event.clientX, event.clientY], about } });
    };
    const closePopup = () => useCanvas.getState().popup && useCanvas.getState().set({ popup: null });
    let drag: BoxDrag | null = null;
    let before = picked();
    let framed = () => {};
    const began = (event: MouseEvent | TouchEvent, dragged: Box[]) => {
      closePopup();
      drag = new BoxDrag(event, dragged);
    };
    const stopped = (dragged: Box[]) => {
      void drag?.stop(dragged);
      drag = null;
    };
    return {
      root: {
        onPointerDownCapture: () => {
          before = picked();
        },
        onPointerMove: (event: { clientX: number; clientY: number }) => {
          pointer.at = [event.clientX, event.clientY];
        },
        onPointerLeave: () => {
          pointer.at = null;
        },
      },
      flow: {
        onNodeDragStart: (event: Gesture, _: Box, dragged: Box[]) => began(native(event), dragged),
        onNodeDrag: (event: Gesture) => drag?.move(native(event)),
        onNodeDragStop: (_: Gesture, _box: Box, dragged: Box[]) => stopped(dragged),
        onSelectionDragStart: (event: Gesture, dragged: Box[]) => began(native(event), dragged),
        onSelectionDrag: (event: Gesture) => drag?.move(native(event)),
        onSelectionDragStop: (_: Gesture, dragged: Box[]) => stopped(dragged),
        onSelectionStart: (event: ReactMouseEvent) => {
          framed = frame(event, before);
        },
        onSelectionEnd: () => {
          if (useCanvas.getState().frame) endDrag();
          framed();
        },
        onNodeDoubleClick: (event: ReactMouseEvent, box: Box) => {
          const title = event.target instanceof Element && event.target.closest("[data-rename]");
          if (title || box.data.comment) useCanvas.getState().set({ renaming: box.id });
          else if (box.data.view?.role === "subgraph") void useComposer.getState().enter(box.id);
          else useComposer.getState().set({ panel: "inspector" });
        },
        onNodeClick: (event: ReactMouseEvent, box: Box) => {
          if (!(event.target instanceof Element && event.target.closest("input, textarea"))) elementFocus(box.id);
        },
        onNodeContextMenu: (event: ReactMouseEvent, box: Box) => {
          const { selection, select } = useComposer.getState();
          if (!selection.includes(box.id)) select([box.id]);
          menu(event, box.data.comment ? "comment" : "node");
        },
        onSelectionContextMenu: (event: ReactMouseEvent) => menu(event, "node"),
        onEdgeContextMenu: (event: ReactMouseEvent, wire: Wire) => {
          if (!useComposer.getState().wires.includes(wire.id)) useComposer.getState().select([], wire.id);
          menu(event, "wire");
        },
        onPaneContextMenu: (event: MouseEvent | ReactMouseEvent) => menu(event, "canvas"),
        onPaneClick: (event: ReactMouseEvent) => {
          closePopup();
          if (useComposer.getState().wire) useComposer.getState().select([]);
          useCanvas.getState().root?.focus({ preventScroll: true });
          if (event.detail === 2) openSearch([event.clientX, event.clientY]);
        },
        onMoveStart: (event: unknown) => void (event && closePopup()),
      },
    };
  }, []);
}

const elementFocus = (id: string) =>
  useCanvas
    .getState()
    .root?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)
    ?.focus({ preventScroll: true });

type Gesture = MouseEvent | TouchEvent | ReactMouseEvent;
const native = (event: Gesture): MouseEvent | TouchEvent => ("nativeEvent" in event ? event.nativeEvent : event);

/** What is selected. */
function picked() {
  const { selection, wire, wires } = useComposer.getState();
  return { selection, wire, wires };
}

/** A frame is drawn: what it holds is added to what was selected; given up, the selection is as it was. */
function frame(event: ReactMouseEvent, before: ReturnType<typeof picked>): () => void {
  const pane = event.currentTarget;
  const { pointerId } = event.nativeEvent as PointerEvent;
  const dispatch = (type: string, [clientX, clientY]: Point = [0, 0]) =>
    pane.dispatchEvent(
      new PointerEvent(type, { bubbles: true, button: 0, pointerId, isPrimary: true, clientX, clientY }),
    );
  const panning = panAtEdges([event.clientX, event.clientY], panBy, (at) => dispatch("pointermove", at));
  const moves = (next: PointerEvent) => next.isTrusted && panning.move([next.clientX, next.clientY]);
  window.addEventListener("pointermove", moves);
  const stop = () => {
    panning.stop();
    window.removeEventListener("pointermove", moves);
    useCanvas.getState().set({ frame: null });
  };
  useCanvas.getState().set({ frame: before.selection });
  beginDrag(() => {
    dispatch("pointerup");
    stop();
    useComposer.getState().set(before);
  });
  return stop;
}
