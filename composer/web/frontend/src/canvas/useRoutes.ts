import { useLayoutEffect, useRef } from "react";
import { HANDLE } from "../logic/geometry";
import { type Run, routesOf } from "../logic/routes";
import { rectOf } from "./boxes";
import { type Box, isPlaced, type Wire } from "./drawing";
import { useCanvas } from "./state";

/** Leads wires around boxes whenever boxes or wires change; a box that is dragged is waited for. */
export function useRoutes(boxes: Box[], wires: Wire[]): void {
  const last = useRef("");
  useLayoutEffect(() => {
    if (boxes.some((box) => box.dragging)) return;
    const standing = boxes.filter((box) => !box.data.comment && isPlaced(box));
    const runs = runsOf(standing, wires);
    const key = JSON.stringify([standing.map(rectOf), runs]);
    if (key === last.current) return;
    last.current = key;
    useCanvas.getState().set({ routes: routesOf(standing.map(rectOf), runs) });
  }, [boxes, wires]);
}

/** Wires by where they leave and enter. */
function runsOf(boxes: Box[], wires: Wire[]): Run[] {
  const byId = new Map(boxes.map((box) => [box.id, box]));
  return wires.flatMap((wire) => {
    const [source, target] = [byId.get(wire.source), byId.get(wire.target)];
    const out = source?.handles?.find((one) => one.type === "source" && one.id === wire.sourceHandle);
    const into = target?.handles?.find((one) => one.type === "target" && one.id === wire.targetHandle);
    if (!source || !target || !out || !into) return [];
    return [
      {
        id: wire.id,
        from: `${wire.source} ${wire.sourceHandle}`,
        source: wire.source,
        target: wire.target,
        start: [source.position.x + out.x + HANDLE, source.position.y + out.y + HANDLE / 2],
        end: [target.position.x + into.x, target.position.y + into.y + HANDLE / 2],
      },
    ];
  });
}
