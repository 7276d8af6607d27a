import { HANDLE } from "../logic/geometry";
import type { ArrangeReply, ArrangeRequest, BoxToPlace, WireToPlace } from "../payloads";
import { useComposer } from "../store";
import type { Box, Wire } from "./drawing";

export type Place = [number, number];

export const isOutputs = (id: string): boolean => id === "outputs" || id.startsWith("outputs.");

/** A box as the server places it, where it stands or still to be placed. */
export const toPlace = (box: Box, place: Place | null): BoxToPlace => ({
  id: box.id,
  width: box.width ?? 1,
  height: box.height ?? 1,
  place,
  last: isOutputs(box.id),
});

/** Wires by the boxes they lead from and to, and the heights of their ports. */
export function wiresToPlace(boxes: Box[], wires: Wire[]): WireToPlace[] {
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const height = (box: string, type: "source" | "target", handle: string | null | undefined): number => {
    const found = byId.get(box)?.handles?.find((one) => one.type === type && one.id === handle);
    return found ? found.y + HANDLE / 2 : 0;
  };
  return wires.map((wire) => ({
    source: wire.source,
    target: wire.target,
    out_y: height(wire.source, "source", wire.sourceHandle),
    in_y: height(wire.target, "target", wire.targetHandle),
  }));
}

let asked: Promise<unknown> = Promise.resolve();

/** When boxes that were without a place have one. */
export const placed = (): Promise<unknown> => asked;

/** Where the boxes go that have no place: the server arranges; null where it could not be asked. */
export function arranged(boxes: BoxToPlace[], wires: WireToPlace[]): Promise<Map<string, Place> | null> {
  const request: ArrangeRequest = { boxes, wires };
  const found = useComposer
    .getState()
    .ask<ArrangeReply>("arrange", { ...request })
    .then((reply) => reply && new Map(Object.entries(reply.places)));
  asked = found;
  return found;
}
