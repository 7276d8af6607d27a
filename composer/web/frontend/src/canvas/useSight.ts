import { useNodesInitialized, useReactFlow, type Viewport } from "@xyflow/react";
import { useEffect, useRef } from "react";
import { useComposer } from "../store";
import { boxes, focusBox } from "./boxes";

const FIT = { padding: "32px", maxZoom: 1 } as const;

/** Shows a document whole when it is opened, each scope as it was left, and a box that is asked for. */
export function useSight(): void {
  const flow = useReactFlow();
  const ready = useNodesInitialized();
  const empty = useComposer(({ view }) => view !== null && !view.nodes.length && !view.comments.length);
  const opened = useComposer((state) => state.opened);
  const path = useComposer((state) => state.view?.path.join("/") ?? "");
  const centre = useComposer((state) => state.centre);
  const left = useRef(new Map<string, Viewport>());
  const here = useRef({ opened: -1, path: "" });

  useEffect(() => {
    if (!ready && !empty) return;
    const before = here.current;
    if (before.opened === opened && before.path === path) return;
    if (before.opened !== opened) left.current.clear();
    else left.current.set(before.path, flow.getViewport());
    here.current = { opened, path };
    const seen = left.current.get(path);
    if (seen) void flow.setViewport(seen);
    else if (boxes().some((box) => box.data.view)) void flow.fitView(FIT);
    else void flow.setViewport({ x: 80, y: 96, zoom: 1 });
  }, [flow, ready, empty, opened, path]);

  useEffect(() => {
    if (centre) requestAnimationFrame(() => focusBox(centre.name, true));
  }, [centre]);
}
