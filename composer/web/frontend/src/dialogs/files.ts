import { create } from "zustand";
import { Refusal } from "../bridge";
import { focusCanvas } from "../canvas/state";
import { type Content, contentOf } from "../logic/content";
import { counted } from "../logic/format";
import type { Failure, FileEntry, OpenReply, SaveReply, SaveRequest, TextReply } from "../payloads";
import type { Draft } from "../recovery";
import { type FileState, idle, unsaved, useComposer } from "../store";

/** What the dialogs are about. */
interface FilesState {
  /** What was asked for, and waits until unsaved work is saved or given up. */
  next: (() => void) | null;
  conflict: { name: string; reason: string } | null;
  failure: { title: string; failure: Failure } | null;
  lost: Draft[];
}

export const useFiles = create<FilesState>()(() => ({ next: null, conflict: null, failure: null, lost: [] }));

const app = useComposer.getState;
const close = () => app().set({ dialog: null });

/** Do what replaces the document; asks first where work would be lost, also what is still being typed or on its way. */
export async function guarded(action: () => void): Promise<void> {
  await finishTyping();
  if (!unsaved(app())) return action();
  useFiles.setState({ next: action });
  app().set({ dialog: "unsaved" });
}

/** Go on with what waited for the unsaved work; also after it was saved. */
export function goOn(): void {
  const { next } = useFiles.getState();
  useFiles.setState({ next: null });
  close();
  next?.();
}

/** Give up what waited. */
export function cancel(): void {
  useFiles.setState({ next: null, conflict: null, failure: null });
  close();
}

/** Take over what was typed in a field that still has the focus. */
async function finishTyping(): Promise<void> {
  const field = document.activeElement;
  if (
    field instanceof HTMLElement &&
    field.closest(".composer-panel, .composer-canvas") &&
    field.matches("input, textarea, select")
  )
    field.blur();
  await idle();
}

function failed(title: string, failure: Failure): void {
  useFiles.setState({ failure: { title, failure } });
  app().set({ dialog: "failure" });
}

/** Read what was dropped or chosen, which is one file: others are named, and left alone. */
export async function uploadOne(files: ArrayLike<File>): Promise<void> {
  const [file, ...others] = Array.from(files);
  if (!file) return;
  if (others.length) app().tell("info", `One file is read at a time: ${others.map((one) => one.name).join(", ")} not.`);
  await upload(file);
}

async function replaceBy(name: string, payload: unknown, title: string): Promise<OpenReply | null> {
  app().set({ busy: app().busy + 1 });
  try {
    const reply = await app().bridge.call<OpenReply>(name, payload);
    await idle();
    app().show(reply);
    focusCanvas();
    app().set({ dialog: null, panel: reply.notes.length ? "problems" : "inspector", lens: null });
    return reply;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.offline) app().set({ offline: true });
    failed(title, error.failure);
    return null;
  } finally {
    app().set({ busy: app().busy - 1 });
  }
}

export const newGraph = (): void => void guarded(() => void replaceBy("new", {}, "No new graph was made"));

export const openGallery = (): void => app().set({ dialog: "gallery" });

export function openFile(entry: Pick<FileEntry, "place" | "name">): void {
  const { place, name } = entry;
  void guarded(() => void replaceBy("open", { place, name }, `${name} can't be opened`));
}

/** Read a file that a person chose or dropped: YAML, or a config of OpenMMLab; nothing of it runs. */
export async function upload(file: File): Promise<void> {
  const title = `${file.name} can't be read`;
  let sent: Content;
  try {
    sent = await contentOf(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return failed(title, { message: `It is a folder, or it went away: expected one file. (${why})`, problems: [] });
  }
  await guarded(async () => {
    const reply = await replaceBy("read", sent, title);
    if (!reply) return;
    app().set({ file: { ...app().file, saved: "" } });
    const notes = reply.notes.length ? `; ${counted(reply.notes.length, "note")} on it under Problems` : "";
    app().tell("info", `Read ${file.name}${notes}`);
  });
}

/** Save to the file that is open, or ask for a name where there is none. */
export async function save(): Promise<void> {
  const { file } = app();
  if (file.place !== "workspace") return saveAs();
  await finishTyping();
  const reason = await store({ name: app().file.name, version: app().file.version });
  if (reason) app().tell("error", reason);
}

export const saveAs = (): void => {
  void finishTyping();
  app().set({ dialog: "save" });
};

/** Save under a name; gives why it was refused. */
export async function store(where: Pick<SaveRequest, "name" | "version" | "overwrite">): Promise<string | null> {
  await idle();
  const { document, bridge, set, tell } = app();
  set({ busy: app().busy + 1 });
  try {
    const reply = await bridge.call<SaveReply>("save", { ...where, document });
    if (!reply.saved) {
      useFiles.setState({ conflict: { name: reply.name, reason: reply.conflict ?? "" } });
      set({ dialog: "conflict" });
      return null;
    }
    set({ file: { name: reply.name, place: "workspace", version: reply.version, saved: document } });
    useFiles.setState({ conflict: null });
    focusCanvas();
    tell("success", `Saved ${reply.name}. In Python:`, reply.load);
    goOn();
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.offline) set({ offline: true });
    return error.message;
  } finally {
    set({ busy: app().busy - 1 });
  }
}

/** A name for the graph's file, as the server makes it of what the graph is called; `fresh` if no file should have it. */
export async function proposedName(
  fresh: boolean,
  file: Pick<FileState, "name" | "place"> = app().file,
): Promise<string> {
  const { view, ask } = app();
  const request = { title: view?.name ?? "", file: file.name, place: file.place, fresh };
  return (await ask<TextReply>("propose_name", request))?.text ?? "model.yaml";
}

/** Hand the graph over as a YAML file. */
export async function download(): Promise<void> {
  await finishTyping();
  const reply = await app().ask<TextReply>("text", { document: app().document });
  if (!reply) return;
  const name = await proposedName(false);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([reply.text], { type: "application/yaml" }));
  link.download = name.split("/").at(-1) ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
