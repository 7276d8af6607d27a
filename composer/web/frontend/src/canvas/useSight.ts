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
import { useComposer } from "../store";
import { boxes, focusBox } from "./boxes";
import { Seen } from "./resized";

const FIT = { padding: "32px", maxZoom: 1 } as const;
const MARGIN = 32;
/** Below this, what is written on the boxes cannot be read. */
const READABLE = 0.45;

/** Shows a document when it is opened (whole, or its beginning), each scope as it was left, and a box that is asked for.
 * When the canvas gets another size (the dock opens), what nobody has moved since is shown anew, and what was seen stays in sight. */
export function useSight(): void {
  const flow = useReactFlow();
  const store = useStoreApi();
  const ready = useNodesInitialized();
  const empty = useComposer(({ view }) => view !== null && !view.nodes.length && !view.comments.length);
  const opened = useComposer((state) => state.opened);
  const path = useComposer((state) => state.view?.path.join("/") ?? "");
  const centre = useComposer((state) => state.centre);
  const left = useRef(new Map<string, Viewport>());
  const here = useRef({ opened: -1, path: "" });
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const untouched = useRef<Viewport | null>(null);
  const seen = useRef(new Seen());

  useEffect(() => {
    if (!ready && !empty) return;
    const before = here.current;
    if (before.opened === opened && before.path === path) return;
    if (before.opened !== opened) left.current = new Map(Object.entries(useComposer.getState().sights));
    else left.current.set(before.path, flow.getViewport());
    here.current = { opened, path };
    const known = left.current.get(path);
    untouched.current = null;
    if (known) void flow.setViewport(known);
    else if (boxes().some((box) => box.data.view))
      void show(flow, store.getState()).then((viewport) => (untouched.current = viewport));
    else void flow.setViewport({ x: 80, y: 96, zoom: 1 });
  }, [flow, store, ready, empty, opened, path]);

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
    if (here.current.opened === now && here.current.path === scope) set({ sights: { ...sights, [scope]: viewport } });
  }, []);
  useOnViewportChange({ onEnd });

  useEffect(() => {
    if (centre) requestAnimationFrame(() => focusBox(centre.name, true));
  }, [centre]);
}

const same = (one: Viewport, other: Viewport): boolean =>
  one.x === other.x && one.y === other.y && one.zoom === other.zoom;

/** Fit all boxes; of a graph that would be too small to read, show where it begins. */
async function show(flow: ReactFlowInstance, { width, height }: { width: number; height: number }): Promise<Viewport> {
  const all = flow.getNodesBounds(flow.getNodes());
  const zoom = Math.min((width - 2 * MARGIN) / all.width, (height - 2 * MARGIN) / all.height);
  const above = Math.max(MARGIN, (height - all.height * READABLE) / 2);
  if (zoom >= READABLE) await flow.fitView(FIT);
  else await flow.setViewport({ x: MARGIN - all.x * READABLE, y: above - all.y * READABLE, zoom: READABLE });
  return flow.getViewport();
}
