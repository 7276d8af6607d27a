import {
  type ReactFlowInstance,
  useNodesInitialized,
  useOnViewportChange,
  useReactFlow,
  useStore,
  useStoreApi,
  type Viewport,
} from "@xyflow/react";
import { useCallback, useEffect, useRef } from "react";
import { Seen } from "../logic/resized";
import { useComposer } from "../store";
import { FIT, MARGIN } from "./arrange";
import { boxes, focusBox, rectOf } from "./boxes";
import { useCanvas } from "./state";

/** Below this, what is written on the boxes is too small to be read. */
const READABLE = 0.65;
/** How large the beginning of a graph is shown that is too large to be seen whole. */
const BEGINNING = 0.75;

/** Shows a document when it is opened (whole, or its beginning), each scope as it was left, and a box that is asked for.
 * When the canvas gets another size (the dock opens), what nobody has moved since is shown anew, and what was seen stays in sight. */
export function useSight(): void {
  const flow = useReactFlow();
  const store = useStoreApi();
  const ready = useNodesInitialized();
  const empty = useComposer(({ view }) => view !== null && !view.nodes.length && !view.comments.length);
  const drawn = useCanvas((state) => state.drawn);
  const centre = useComposer((state) => state.centre);
  const left = useRef(new Map<string, Viewport>());
  const here = useRef("");
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const untouched = useRef<Viewport | null>(null);
  const seen = useRef(new Seen());

  useEffect(() => {
    if (!drawn || (!ready && !empty)) return;
    const before = here.current;
    if (before === drawn) return;
    if (documentOf(before) !== documentOf(drawn)) left.current = new Map(Object.entries(useComposer.getState().sights));
    else left.current.set(pathOf(before), flow.getViewport());
    here.current = drawn;
    const known = left.current.get(pathOf(drawn));
    useCanvas.getState().set({ beginning: null });
    untouched.current = null;
    if (known) void flow.setViewport(known);
    else if (boxes().some((box) => box.data.view))
      void show(flow, store.getState()).then((viewport) => (untouched.current = viewport));
    else void flow.setViewport({ x: 80, y: 96, zoom: 1 });
  }, [flow, store, ready, empty, drawn]);

  useEffect(() => {
    if (!width || !height) return;
    const now = flow.getViewport();
    const all = flow.getNodes();
    const held = all.filter((box) => box.selected);
    const keep = [all, held].filter((some) => some.length).map((some) => flow.getNodesBounds(some));
    const next = seen.current.resized(now, { width, height }, keep);
    if (untouched.current && same(untouched.current, now)) {
      void show(flow, { width, height }).then((viewport) => {
        untouched.current = viewport;
      });
    } else if (!same(next, now)) void flow.setViewport(next);
  }, [flow, width, height]);

  const onEnd = useCallback((viewport: Viewport) => {
    const { opened: now, view, sights, set } = useComposer.getState();
    const scope = view?.path.join("/") ?? "";
    if (here.current === `${now}:${scope}`) set({ sights: { ...sights, [scope]: viewport } });
  }, []);
  useOnViewportChange({ onEnd });

  useEffect(() => {
    if (centre) requestAnimationFrame(() => focusBox(centre.name, true));
  }, [centre]);
}

const documentOf = (drawn: string): string => drawn.slice(0, drawn.indexOf(":"));

const pathOf = (drawn: string): string => drawn.slice(drawn.indexOf(":") + 1);

const same = (one: Viewport, other: Viewport): boolean =>
  one.x === other.x && one.y === other.y && one.zoom === other.zoom;

/** Fit all boxes; of a graph that would be too small to read, show where it begins, and say so. */
async function show(flow: ReactFlowInstance, { width, height }: { width: number; height: number }): Promise<Viewport> {
  const all = flow.getNodesBounds(flow.getNodes());
  const zoom = Math.min((width - 2 * MARGIN.side) / all.width, (height - MARGIN.top - MARGIN.bottom) / all.height);
  if (zoom >= READABLE) await flow.fitView(FIT);
  else await flow.setViewport(beginning(all, height));
  useCanvas.getState().set({ beginning: zoom >= READABLE ? null : flow.getViewport() });
  return flow.getViewport();
}

/** The upper left corner, or the first box where that corner is empty. */
function beginning(all: { x: number; y: number; height: number }, height: number): Viewport {
  const seen = (height - MARGIN.top - MARGIN.bottom) / BEGINNING;
  const first = boxes()
    .filter((box) => !box.data.comment)
    .map(rectOf)
    .sort((a, b) => a.x + a.y - b.x - b.y)[0];
  const top = first ? Math.max(all.y, first.y + first.height - seen) : all.y;
  const spare = Math.max(0, (seen - all.height) / 2);
  return {
    x: MARGIN.side - all.x * BEGINNING,
    y: MARGIN.top - (top - spare) * BEGINNING,
    zoom: BEGINNING,
  };
}
