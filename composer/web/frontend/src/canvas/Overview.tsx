import { MiniMap, useStoreApi } from "@xyflow/react";
import { useEffect } from "react";
import { overlap, type Rect } from "../logic/geometry";
import { kindColour } from "../logic/kinds";
import { rectOf } from "./boxes";
import type { Box } from "./drawing";
import { isMapShown, useCanvas } from "./state";

const WIDTH = 160;
const HEIGHT = 104;
const MARGIN = 12;
const REST = 120;

const colourOf = (box: Box): string => (box.data.comment ? "var(--c-line)" : kindColour(box.data.view));

/** Where the map is on the canvas, in pixels of the screen. */
export const mapRect = (width: number, height: number): Rect => ({
  x: width - WIDTH - MARGIN,
  y: height - HEIGHT - MARGIN,
  width: WIDTH,
  height: HEIGHT,
});

/** A small drawing of the whole graph in a corner: where it is too large to be seen whole, and covers no box. */
export function Overview() {
  useFree();
  if (!useCanvas(isMapShown)) return null;
  return (
    <MiniMap
      className="composer-minimap"
      pannable
      zoomable
      ariaLabel="minimap"
      nodeColor={colourOf}
      nodeBorderRadius={8}
      maskColor="var(--c-veil)"
    />
  );
}

/** Looks whenever the view comes to rest whether something is out of sight and nothing lies where the map would be. */
function useFree(): void {
  const store = useStoreApi<Box>();
  useEffect(() => {
    let timer = 0;
    const look = () => {
      const { nodes, transform, width, height } = store.getState();
      const mapFree = isFree(nodes, transform, { x: 0, y: 0, width, height });
      if (mapFree !== useCanvas.getState().mapFree) useCanvas.getState().set({ mapFree });
    };
    const later = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(look, REST);
    };
    const stop = store.subscribe((state, before) => {
      const still = state.nodes === before.nodes && state.transform === before.transform;
      if (!still || state.width !== before.width || state.height !== before.height) later();
    });
    later();
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [store]);
}

function isFree(nodes: Box[], [x, y, zoom]: [number, number, number], sight: Rect): boolean {
  const map = mapRect(sight.width, sight.height);
  let outside = false;
  for (const node of nodes) {
    const at = rectOf(node);
    const seen = { x: at.x * zoom + x, y: at.y * zoom + y, width: at.width * zoom, height: at.height * zoom };
    if (overlap(seen, map)) return false;
    if (seen.x < 0 || seen.y < 0 || seen.x + seen.width > sight.width || seen.y + seen.height > sight.height)
      outside = true;
  }
  return outside;
}
