import type { Point } from "../logic/geometry";
import { commentBox, type Mode, type Operation, setValue } from "../logic/operations";
import { useComposer } from "../store";
import { boxes, elementOf, focusBox, selected, selectedNodes, selectedParts, writePlaces } from "./boxes";
import { roomy, settled } from "./freePlace";
import { placeFor } from "./parts";
import { pointer, useCanvas } from "./state";
import { disconnecting } from "./wiring";

export { align, fit, fitSelection, go, layOut, nudge, zoomIn, zoomOut, zoomReset } from "./arrange";
export { copy, cut, duplicate, pasteFromClipboard } from "./clipboard";

const composer = () => useComposer.getState();
const canvas = () => useCanvas.getState();
const wire = () => composer().view?.wires.find((one) => one.id === composer().wire);

/** Open the search where the pointer is, or in the middle. */
export function openSearch(at?: Point): void {
  const { flow, root, set } = canvas();
  if (!flow || !root) return;
  const area = root.getBoundingClientRect();
  const screen = at ?? pointer.at ?? [area.left + area.width / 2, area.top + area.height / 3];
  const spot = flow.screenToFlowPosition({ x: screen[0], y: screen[1] });
  set({ popup: { kind: "search", at: screen, spot: at || pointer.at ? [spot.x, spot.y] : null } });
}

export function focusPalette(): void {
  document.querySelector<HTMLInputElement>(".composer-palette input")?.focus();
}

/** Delete the selected wire, or what was selected one by one: boxes, comments and wires; one step. */
export async function remove(): Promise<void> {
  const chosen = wire();
  const { edit, notify, wires } = composer();
  if (chosen && wires.length < 2 && !(wires.length && composer().selection.length)) {
    await edit([disconnecting(chosen)], { label: "delete wire", select: [] });
    return;
  }
  const picked = (composer().view?.wires ?? []).filter((one) => wires.includes(one.id));
  const names = selectedParts();
  const comments = selected(true).flatMap((box) => (box.data.comment ? [box.data.comment.id] : []));
  const operations: Operation[] = [
    ...picked.sort((a, b) => (b.at ?? 0) - (a.at ?? 0)).map(disconnecting), // the last of a port first: the others keep their places
    ...(names.length ? [{ op: "remove", names } as const] : []),
    ...comments.map((id): Operation => ({ op: "remove-comment", id })),
  ];
  if (operations.length) await edit(operations, { label: "delete", select: [] });
  else if (selected().length) notify("info", "The boxes of outputs stay; delete the wires that lead into them.");
}

export const selectAll = (): void => composer().select(boxes().map((box) => box.id));

export function rename(): void {
  const box = selected(true).at(-1);
  if (box && (box.data.view || box.data.comment)) canvas().set({ renaming: box.id });
}

export async function bypass(): Promise<void> {
  const names = selectedNodes();
  if (!names.length) return;
  const on = selected().some((box) => box.data.view && names.includes(box.id) && !box.data.view.bypassed);
  await composer().edit(
    names.map((name) => setValue(["nodes", name, "bypassed"], on)),
    {
      label: on ? "bypass" : "wire again",
      select: composer().selection,
    },
  );
}

export async function addComment(): Promise<void> {
  const around = selected();
  const box = around.length ? frame() : null;
  const [x, y] = box ?? placeFor();
  const reply = await composer().edit(
    [...writePlaces(), { op: "comment", text: "", box: box ?? [x, y, 240, 96], colour: "yellow" }],
    { label: "comment", select: [] },
  );
  const id = reply?.view?.comments.at(-1)?.id;
  if (!id) return;
  composer().select([commentBox(id)]);
  canvas().set({ renaming: commentBox(id) });
}

/** A frame around what is selected. */
function frame(): [number, number, number, number] {
  const around = selected();
  const x = Math.min(...around.map((box) => box.position.x)) - 24;
  const y = Math.min(...around.map((box) => box.position.y)) - 48;
  const right = Math.max(...around.map((box) => box.position.x + (box.width ?? 0))) + 24;
  const bottom = Math.max(...around.map((box) => box.position.y + (box.height ?? 0))) + 24;
  return [x, y, right - x, bottom - y];
}

/** Choose what takes the place of the selected node. */
export function openReplace(): void {
  const [node, another] = selectedNodes();
  if (node && !another) canvas().set({ popup: { kind: "replace", node } });
  else composer().notify("info", node ? "One node is replaced at a time." : "Select the node to be replaced.");
}

/** Choose what is put into the selected wire. */
export function openInsert(): void {
  const chosen = wire();
  if (chosen) canvas().set({ popup: { kind: "insert", wire: chosen.id } });
  else composer().notify("info", "Select the wire into which a node is put.");
}

export function openConnect(): void {
  const node = selected().at(-1);
  if (node) canvas().set({ popup: { kind: "connect", node: node.id } });
}

/** Select the next wire of the selected box, or the next one of the box of the selected wire. */
export function nextWire(step: 1 | -1): void {
  const { view, select } = composer();
  const chosen = wire();
  const name = selected().at(-1)?.id ?? chosen?.from_node;
  const mine = (view?.wires ?? []).filter((one) => one.node === name || one.from_node === name);
  if (!mine.length || !name) return;
  const here = mine.findIndex((one) => one.id === chosen?.id);
  const next = mine[here < 0 ? (step > 0 ? 0 : mine.length - 1) : (here + step + mine.length) % mine.length];
  select([name], next?.id ?? null);
}

/** Bring the keyboard to the toolbar of the selected wire. */
export function focusWireModes(): void {
  document.querySelector<HTMLButtonElement>(".composer-wirebar button")?.focus();
}

/** Open the levels of the outputs of the selected nodes, or close them. */
export function toggleLevels(): void {
  const ends = selected().flatMap((box) =>
    (box.data.view?.outputs ?? []).filter((port) => port.sequence).map((port) => `${box.id}.${port.name}`),
  );
  for (const end of ends) toggleLevel(end);
}

export function toggleLevel(end: string): void {
  const key = `${composer().view?.scope ?? ""}/${end}`;
  const levels = new Set(canvas().levels);
  if (!levels.delete(key)) levels.add(key);
  canvas().set({ levels });
}

export async function group(): Promise<void> {
  const names = selectedNodes();
  if (!names.length) return;
  const reply = await composer().edit([...writePlaces(), { op: "group", names }], {
    label: "group",
    settle: settled(),
  });
  const made = reply?.created[0];
  if (made) canvas().set({ renaming: made });
}

export async function ungroup(): Promise<void> {
  const calls = selected()
    .filter((box) => box.data.view?.role === "subgraph")
    .map((box) => box.id);
  const operations: Operation[] = calls.map((node) => ({ op: "ungroup", node }));
  const [first] = calls;
  if (first)
    await composer().edit([...writePlaces(), ...operations], {
      label: "ungroup",
      settle: calls.length === 1 ? roomy(first) : settled(),
    });
}

/** Enter a subgraph; the inspector of anything else. */
export function open(): void {
  if (wire()) {
    focusWireModes();
    return;
  }
  const box = selected(true).at(-1);
  if (box?.data.view?.role === "subgraph") void composer().enter(box.id);
  else if (box?.data.comment) canvas().set({ renaming: box.id });
  else if (box) {
    composer().set({ panel: "inspector" });
    requestAnimationFrame(() =>
      document.querySelector<HTMLElement>(".composer-side :is(input, select, textarea, button)")?.focus(),
    );
  } else go0();
}

const go0 = (): void => {
  const first = boxes()[0];
  if (!first) return;
  composer().select([first.id]);
  focusBox(first.id);
};

/** One step outwards: the wire, the selection, the subgraph. */
export function leave(): void {
  const { selection, path, wire: chosen, select, leave: leaveScope } = composer();
  canvas().root?.focus({ preventScroll: true });
  if (chosen || selection.length) select([]);
  else if (path.length) void leaveScope(path.length - 1);
}

export function openMenu(): void {
  const { root, set } = canvas();
  const box = selected(true).at(-1);
  const area = (box && elementOf(box.id) ? elementOf(box.id) : root)?.getBoundingClientRect();
  if (!area) return;
  const about = wire() ? "wire" : box?.data.comment ? "comment" : box ? "node" : "canvas";
  set({
    popup: {
      kind: "menu",
      at: [area.left + Math.min(area.width / 2, 120), area.top + Math.min(area.height / 2, 120)],
      about,
    },
  });
}

export function lens(mode: Mode): void {
  composer().set({ lens: composer().lens === mode ? null : mode });
}
