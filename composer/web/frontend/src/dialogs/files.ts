import { create } from "zustand";
import { Refusal } from "../bridge";
import { focusCanvas } from "../canvas/state";
import type { Failure, FileEntry, OpenReply, SaveReply, SaveRequest, TextReply } from "../payloads";
import type { Draft } from "../recovery";
import { counted } from "../side/format";
import { idle, unsaved, useComposer } from "../store";

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
    useFiles.setState({ failure: { title, failure: error.failure } });
    app().set({ dialog: "failure" });
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
  const text = await file.text();
  await guarded(async () => {
    const reply = await replaceBy("read", { text, name: file.name }, `${file.name} can't be read`);
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

/** The name that a file is offered to be saved under. */
export function suggestedName(): string {
  const { file, view } = app();
  if (file.place === "workspace") return file.name;
  const own =
    file.name
      .split("/")
      .at(-1)
      ?.replace(/\.yaml$/, "") ?? "";
  const title = own && own !== "untitled" ? own : (view?.name ?? "");
  return `${
    title
      .replaceAll(/[^A-Za-z0-9_-]+/g, "_")
      .replace(/^[_-]+/, "")
      .slice(0, 60) || "my_graph"
  }.yaml`;
}

/** Hand the graph over as a YAML file. */
export async function download(): Promise<void> {
  await finishTyping();
  const reply = await app().ask<TextReply>("text", { document: app().document });
  if (!reply) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([reply.text], { type: "application/yaml" }));
  link.download = suggestedName().split("/").at(-1) ?? "graph.yaml";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
