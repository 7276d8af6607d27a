import { applyNodeChanges, type NodeChange, useStoreApi } from "@xyflow/react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { BoxToPlace } from "../payloads";
import { useComposer } from "../store";
import { CommentDrag } from "./commentDrag";
import { type Box, type Drawing, draw, type Wire } from "./drawing";
import { arranged, type Place, toPlace, wiresToPlace } from "./layout";
import { Places } from "./places";
import { useCanvas } from "./state";

const EMPTY: Drawing = { boxes: [], wires: [] };

/** Boxes and wires of the open scope as React Flow takes them, and what its changes do to them. */
export function useDrawing() {
  const store = useStoreApi();
  const view = useComposer((state) => state.view);
  const opened = useComposer((state) => state.opened);
  const selection = useComposer((state) => state.selection);
  const wire = useComposer((state) => state.wire);
  const picked = useComposer((state) => state.wires);
  const offline = useComposer((state) => state.offline);
  const levels = useCanvas((state) => state.levels);
  const [boxes, setBoxes] = useState<Box[]>([]);
  const [wires, setWires] = useState<Wire[]>([]);
  const now = useRef<Drawing>(EMPTY);
  const places = useRef(new Places());
  const sight = useRef("");
  const commentDrag = useRef(new CommentDrag());

  const put = useCallback((drawing: Drawing) => {
    if (drawing.boxes !== now.current.boxes) setBoxes(drawing.boxes);
    if (drawing.wires !== now.current.wires) setWires(drawing.wires);
    now.current = drawing;
  }, []);

  useLayoutEffect(() => {
    if (!view) return;
    const key = `${opened}:${view.path.join("/")}`;
    const drawn = draw(view, sight.current === key ? now.current : EMPTY, levels);
    const boxes = drawn.boxes.filter((box) => !box.data.comment).map((box) => toPlace(box, placeOf(box)));
    const ends = wiresToPlace(drawn.boxes, drawn.wires);
    const show = (found: Map<string, Place>) => {
      const placed = places.current.fill(boxes, ends, found);
      sight.current = key;
      put({
        boxes: marked(
          drawn.boxes.map((box) => at(box, placed)),
          useComposer.getState().selection,
        ),
        wires: chosen(drawn.wires),
      });
      useCanvas.getState().set({ drawn: key });
    };
    places.current.open(opened, view.scope ?? "");
    const known = places.current.known(boxes, ends);
    if (known.every((box) => box.place)) {
      show(new Map());
      return;
    }
    if (offline) return;
    let current = true;
    void arranged(known, ends).then((found) => {
      if (current && !useComposer.getState().offline) show(found ?? inRows(known));
    });
    return () => {
      current = false;
    };
  }, [view, opened, levels, offline, put]);

  useLayoutEffect(() => {
    put({ ...now.current, boxes: marked(now.current.boxes, selection) });
  }, [selection, put]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it follows what is selected, which `chosen` reads
  useLayoutEffect(() => {
    put({ ...now.current, wires: chosen(now.current.wires) });
  }, [wire, picked, put]);

  useEffect(() => {
    const pressed = (event: PointerEvent) => {
      commentDrag.current.alone = event.altKey;
    };
    window.addEventListener("pointerdown", pressed, true);
    return () => window.removeEventListener("pointerdown", pressed, true);
  }, []);

  const onNodesChange = useCallback(
    (changes: NodeChange<Box>[]) => {
      const next = applyNodeChanges(commentDrag.current.with(changes, now.current.boxes), now.current.boxes);
      put({ ...now.current, boxes: next });
      if (!changes.some((change) => change.type === "select")) return;
      const { multiSelectionActive: adding } = store.getState();
      const { frame } = useCanvas.getState();
      const { selection: before, select, selectAlso, wire: held } = useComposer.getState();
      const names = next.filter((box) => box.selected || frame?.includes(box.id)).map((box) => box.id);
      if (names.join() === before.join()) return;
      if (adding) selectAlso(names);
      else select(names, names.length ? null : held);
    },
    [put, store],
  );
  return useMemo(() => ({ boxes, wires, onNodesChange }), [boxes, wires, onNodesChange]);
}

const placeOf = (box: Box): Place | null => (box.data.view ?? box.data.output)?.position ?? null;

/** Where boxes stand that the server could not place: one after the other. */
const inRows = (boxes: BoxToPlace[]): Map<string, Place> =>
  new Map(boxes.flatMap((box, at) => (box.place ? [] : [[box.id, [(at % 8) * 320, Math.floor(at / 8) * 240]]])));

/** The box where it stands: as the document says, or where it was placed automatically. */
function at(box: Box, placed: Map<string, Place>): Box {
  if (box.dragging) return box;
  const place = placeOf(box) ?? placed.get(box.id);
  if (!place || (box.position.x === place[0] && box.position.y === place[1])) return box;
  return { ...box, position: { x: place[0], y: place[1] } };
}

/** Boxes with the selection; those whose state stays are the same objects. */
function marked(boxes: Box[], selection: string[]): Box[] {
  const names = new Set(selection);
  let changed = false;
  const next = boxes.map((box) => {
    if ((box.selected ?? false) === names.has(box.id)) return box;
    changed = true;
    return { ...box, selected: names.has(box.id) };
  });
  return changed ? next : boxes;
}

/** Wires with the selection. */
function chosen(wires: Wire[]): Wire[] {
  const { wire: id, wires: picked } = useComposer.getState();
  const ids = new Set([...picked, id]);
  let changed = false;
  const next = wires.map((wire) => {
    if ((wire.selected ?? false) === ids.has(wire.id)) return wire;
    changed = true;
    return { ...wire, selected: ids.has(wire.id) };
  });
  return changed ? next : wires;
}
