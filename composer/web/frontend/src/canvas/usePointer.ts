import type { DragEvent, MouseEvent as ReactMouseEvent } from "react";
import { useMemo } from "react";
import { useComposer } from "../store";
import { boxes, move } from "./boxes";
import { openSearch } from "./commands";
import type { Box, Wire } from "./drawing";
import { addPart, PART, type Part } from "./parts";
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
    const dropped = (event: DragEvent) => {
      const text = event.dataTransfer.getData(PART);
      const { flow, root } = useCanvas.getState();
      if (!text || !flow) return;
      event.preventDefault();
      const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
      void addPart(JSON.parse(text) as Part, [x - 60, y - 16]);
      root?.focus({ preventScroll: true });
    };
    const stopped = (_: unknown, _box: Box, dragged: Box[]) => void place(dragged);
    return {
      root: {
        onPointerMove: (event: { clientX: number; clientY: number }) => {
          pointer.at = [event.clientX, event.clientY];
        },
        onPointerLeave: () => {
          pointer.at = null;
        },
        onDragOver: (event: DragEvent) => {
          if (!event.dataTransfer.types.includes(PART)) return;
          event.preventDefault();
          event.dataTransfer.dropEffect = "copy";
        },
        onDrop: dropped,
      },
      flow: {
        onNodeDragStop: stopped,
        onSelectionDragStop: (_: unknown, dragged: Box[]) => void place(dragged),
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
          useComposer.getState().select([], wire.id);
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
        onNodeDragStart: () => void closePopup(),
      },
    };
  }, []);
}

const elementFocus = (id: string) =>
  useCanvas
    .getState()
    .root?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)
    ?.focus({ preventScroll: true });

/** Write where boxes were dragged to, as one step. */
function place(dragged: Box[]): Promise<void> {
  const now = new Map(boxes().map((box) => [box.id, box]));
  const where = new Map<string, [number, number]>();
  for (const box of dragged) {
    const { x, y } = now.get(box.id)?.position ?? box.position;
    const before = box.data.comment?.box ?? (box.data.view ?? box.data.output)?.position;
    if (!before || before[0] !== x || before[1] !== y) where.set(box.id, [x, y]);
  }
  return move(where);
}
