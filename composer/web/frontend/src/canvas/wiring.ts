import { MODES, type Mode, type Operation } from "../logic/operations";
import type { FitsReply, Target, WireView } from "../payloads";
import { useComposer } from "../store";
import { useCanvas, type Wiring } from "./state";

/** A handle without the number of the wire that ends there. */
export const endOf = (handle: string): string => handle.replace(/#\d+$/, "");

/** The port that a handle stands for. */
export function targetOf(handle: string): Target {
  const at = /#(\d+)$/.exec(handle)?.[1];
  const end = endOf(handle);
  const cut = end.lastIndexOf(".");
  return { node: end.slice(0, cut), port: end.slice(cut + 1), at: at === undefined ? null : Number(at) };
}

const isOutput = (node: string): boolean => node === "outputs" || node.startsWith("outputs.");
const modeOf = (box: string): Mode | null => MODES.find((mode) => box === `outputs.${mode}`) ?? null;

/** The operation that wires a source to a handle. A port that is wired in some modes only gets the wire in the others. */
export function connecting(source: string, handle: string, modes?: Mode[] | null): Operation {
  const target = targetOf(handle);
  if (isOutput(target.node)) {
    const name = target.port === "+" ? null : target.port;
    return { op: "set-output", mode: modeOf(target.node), name, source };
  }
  return { op: "connect", source, target, modes: modes === undefined ? openModes(target) : modes };
}

function openModes(target: Target): Mode[] | null {
  const there = wiresAt(target);
  const free = MODES.filter((mode) => !there.some((wire) => wire.modes === null || wire.modes.includes(mode)));
  return there.length && free.length ? free : null;
}

const wiresAt = (target: Target): WireView[] =>
  (useComposer.getState().view?.wires ?? []).filter(
    (wire) => wire.node === target.node && wire.port === target.port && wire.at === (target.at ?? null),
  );

/** The operation that takes a wire away. */
export function disconnecting(wire: WireView): Operation {
  if (isOutput(wire.node)) return { op: "remove-output", mode: modeOf(wire.node), name: wire.port };
  return { op: "disconnect", target: { node: wire.node, port: wire.port, at: wire.at }, modes: wire.modes };
}

export const canServeModes = (wire: WireView): boolean => wire.node !== "outputs" && modeOf(wire.node) === null;

/** The operation that says which modes a wire serves; null where none would be left. */
export function serving(wire: WireView, modes: Mode[]): Operation | null {
  if (!modes.length) return null;
  const target = { node: wire.node, port: wire.port, at: wire.at };
  return { op: "set-wire-modes", target, source: wire.source, modes: modes.length === MODES.length ? null : modes };
}

export const connect = (source: string, handle: string) =>
  useComposer
    .getState()
    .edit([connecting(source, handle)], { label: "connect", select: useComposer.getState().selection });

export const removeWire = (wire: WireView) => {
  useComposer.getState().select(useComposer.getState().selection);
  return useComposer.getState().edit([disconnecting(wire)], { label: "delete wire" });
};

/** Move one end of a wire, as one step. */
export function reconnect(wire: WireView, source: string, handle: string): Promise<unknown> {
  const target = targetOf(handle);
  const same = wire.node === target.node && wire.port === target.port;
  if (same && wire.source === source) return Promise.resolve();
  const operations: Operation[] = same
    ? [
        connecting(
          source,
          isOutput(wire.node) || wire.at === null ? endOf(handle) : `${endOf(handle)}#${wire.at}`,
          wire.modes,
        ),
      ]
    : [
        disconnecting(wire),
        connecting(source, handle, isOutput(target.node) || isOutput(wire.node) ? undefined : wire.modes),
      ];
  return useComposer.getState().edit(operations, { label: "reconnect", select: useComposer.getState().selection });
}

/** What the server says of the ends of a wire. */
export type Ends = Pick<Wiring, "reasons" | "boxes">;

/** Ask once, when a wire is begun, which ends it may have. */
export async function beginWire(handle: string, from: "source" | "target"): Promise<Ends> {
  const wiring: Wiring = { end: endOf(handle), from, reasons: null, boxes: null };
  useCanvas.getState().set({ wiring });
  const { ask, document, path } = useComposer.getState();
  const reply = await ask<FitsReply>("fits", { document, path, [from]: wiring.end });
  const ends = {
    reasons: reply && new Map(reply.fits.map((fit) => [fit.end, fit.reason])),
    boxes: reply && new Map(reply.boxes.map((box) => [box.node, box])),
  };
  if (useCanvas.getState().wiring === wiring) useCanvas.getState().set({ wiring: { ...wiring, ...ends } });
  return ends;
}

/** Why the wire that is dragged can't end here; null where it can, or where it is not known yet. */
export const refusal = (handle: string): string | null =>
  useCanvas.getState().wiring?.reasons?.get(endOf(handle)) ?? null;

/** An end as people read it: `outputs.loss.+` is a new output. */
export const worded = (end: string): string =>
  end.replace(/^outputs\.(\w+)\.\+$/, "new output of $1 mode").replace(/^outputs\.\+$/, "new output");

/** The source of the wire that a port has already, and that a new one takes the place of; empty where it has none. */
export function held(end: string): string {
  const wires = useComposer.getState().view?.wires ?? [];
  return wires.find((one) => `${one.node}.${one.port}` === end && one.at === null)?.source ?? "";
}
