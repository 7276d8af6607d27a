import type { Operation } from "../logic/operations";
import type { CopyReply } from "../payloads";
import { useComposer } from "../store";
import { selected, selectedParts, writePlaces } from "./boxes";
import { settled } from "./freePlace";
import { middle } from "./parts";
import { pointer, useCanvas } from "./state";

const MARK = "composer-fragment:";
const KEPT = "composer.clipboard";

/** Copy the selected nodes to the system's clipboard; the browser's storage keeps them where that is closed to us. */
export async function copy(): Promise<boolean> {
  const names = selectedParts();
  if (!names.length) return false;
  const { ask, document, path, notify } = useComposer.getState();
  const reply = await ask<CopyReply>("copy", { document, path, names });
  if (!reply) return false;
  const text = MARK + reply.fragment;
  try {
    localStorage.setItem(KEPT, text);
  } catch {
    // The storage is full or closed: the clipboard is tried all the same.
  }
  await navigator.clipboard?.writeText(text).catch(() => undefined);
  notify("info", names.length === 1 ? `Copied ${names[0]}` : `Copied ${names.length} boxes`);
  return true;
}

export async function cut(): Promise<void> {
  const names = selectedParts();
  if (await copy()) await useComposer.getState().edit([{ op: "remove", names }], { label: "cut", select: [] });
}

/** Paste what a text of the clipboard holds; false where it holds no nodes. */
export function paste(text: string): boolean {
  const found = text.startsWith(MARK) ? text : kept(text);
  if (!found) return false;
  const { flow } = useCanvas.getState();
  const at = pointer.at && flow ? flow.screenToFlowPosition({ x: pointer.at[0], y: pointer.at[1] }) : middle();
  const position: [number, number] = [Math.round(at.x), Math.round(at.y)];
  void useComposer.getState().edit([...writePlaces(), { op: "paste", fragment: found.slice(MARK.length), position }], {
    label: "paste",
    settle: settled(),
  });
  return true;
}

/** Nothing came from the clipboard: perhaps it was closed when we copied. */
function kept(text: string): string | null {
  if (text) return null;
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

export async function pasteFromClipboard(): Promise<void> {
  const text = (await navigator.clipboard?.readText().catch(() => "")) ?? "";
  if (!paste(text)) useComposer.getState().notify("info", "The clipboard holds no nodes.");
}

export async function duplicate(): Promise<void> {
  const { edit } = useComposer.getState();
  const names = selectedParts();
  const comments: Operation[] = selected(true).flatMap(({ data: { comment } }) =>
    comment
      ? [
          {
            op: "comment",
            text: comment.text,
            colour: comment.colour as "yellow",
            box: [comment.box[0] + 40, comment.box[1] + 40, comment.box[2], comment.box[3]],
          },
        ]
      : [],
  );
  const nodes: Operation[] = names.length ? [{ op: "duplicate", names, offset: [40, 40] }] : [];
  if (nodes.length || comments.length)
    await edit([...writePlaces(), ...nodes, ...comments], { label: "duplicate", settle: settled() });
}
