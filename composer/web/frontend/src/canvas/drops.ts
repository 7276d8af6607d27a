import type { Part } from "../logic/entries";
import type { Point } from "../logic/geometry";
import type { DropsReply, WireView } from "../payloads";
import { useComposer } from "../store";
import { focusBox } from "./boxes";
import { addPart, calledBy, insertPart, replaceNode } from "./parts";
import { type Over, useCanvas } from "./state";
import { type Underneath, underneath } from "./underneath";

/** What can be dropped: a part, or a node that has no wires yet. */
export type Dropped = { part: Part; name: string } | { node: string };

/** Why a wire or a box does not take what is dragged, by their keys; null: it takes it. */
export interface Drops {
  wires: Map<string, string | null>;
  boxes: Map<string, string | null>;
}

/** Ask once, when a drag begins, where what is dragged may be dropped. */
export async function askDrops(dropped: Dropped): Promise<Drops> {
  const called = "node" in dropped ? { node: dropped.node } : calledBy(dropped.part);
  const { ask, document, path } = useComposer.getState();
  const reply = called && (await ask<DropsReply>("drops", { document, path, ...called }));
  return {
    wires: new Map(reply?.wires.map((one) => [wireKey(one), one.reason]) ?? []),
    boxes: new Map(reply?.boxes.map((one) => [one.node, one.reason]) ?? []),
  };
}

const wireKey = ({ source, node, port }: { source: string; node: string; port: string }): string =>
  `${source} ${node}.${port}`;

const wireBy = (id: string | null): WireView | undefined =>
  useComposer.getState().view?.wires.find((one) => one.id === id);

/** What would come of dropping it here; null where it would only stand there. */
export function overAt(at: Point, dropped: Dropped, drops: Drops | null, below = under(at, dropped)): Over | null {
  const { box, wire } = below;
  const view = wireBy(wire);
  if (view) {
    const reason = drops?.wires.get(wireKey(view));
    if (reason === undefined) return null;
    const words = reason ?? `put into ${view.source} → ${view.node}.${view.port}`;
    return { kind: "wire", id: view.id, at, words, refused: reason !== null };
  }
  if (box === null || "node" in dropped) return null;
  const reason = drops?.boxes.get(box);
  if (reason === undefined) return null;
  return { kind: "box", id: box, at, words: reason ?? `replaces ${box}`, refused: reason !== null };
}

/** What lies under something that is dragged: asked when it is let go, since wires then lead around a box. */
export const under = (at: Point, dropped: Dropped): Underneath =>
  underneath(at, "node" in dropped ? dropped.node : null);

/** Put a part of the palette where it was let go: into a wire, in the place of a node, or on the ground. */
export async function dropPart(part: Part, name: string, at: Point, asked: Promise<Drops>): Promise<void> {
  const { flow, root } = useCanvas.getState();
  const where = underneath(at);
  if (!flow || (!where.ground && where.box === null)) return;
  root?.focus({ preventScroll: true });
  const { x, y } = flow.screenToFlowPosition({ x: at[0], y: at[1] });
  const spot: Point = [x - 60, y - 16];
  const over = overAt(at, { part, name }, await asked, where);
  const view = over?.kind === "wire" ? wireBy(over.id) : undefined;
  if (over && !over.refused && over.kind === "box" && (await replaceNode(over.id, part))) return;
  if (over && !over.refused && view) {
    await insertPart(part, view, spot);
    return;
  }
  const made = await addPart(part, spot);
  if (made) requestAnimationFrame(() => focusBox(made));
  if (over?.refused) useComposer.getState().notify("info", `${over.words}; ${name} stands beside it.`);
}
