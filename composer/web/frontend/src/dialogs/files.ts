import { create } from "zustand";
import { Refusal } from "../bridge";
import { focusCanvas } from "../canvas/state";
import { type Content, contentOf } from "../logic/content";
import { counted } from "../logic/format";
import type {
  Failure,
  FileEntry,
  GraphView,
  KeepWeightsReply,
  OpenReply,
  ProgramResult,
  SaveReply,
  SaveRequest,
  TaskView,
  TextReply,
} from "../payloads";
import type { Draft } from "../recovery";
import { type FileState, idle, unsaved, useComposer } from "../store";
import { cancel as cancelTask, EndedError, follow, ownTask, problemOf, sendFile, tooLargeFor } from "../tasks";

/** A file that is read for a while: how that goes, and how to end it. */
interface Reading {
  name: string;
  task: TaskView;
  stop: () => void;
}

/** What the dialogs are about. */
interface FilesState {
  /** What was asked for, and waits until unsaved work is saved or given up. */
  next: (() => void) | null;
  conflict: { name: string; reason: string } | null;
  failure: { title: string; failure: Failure } | null;
  lost: Draft[];
  reading: Reading | null;
}

export const useFiles = create<FilesState>()(() => ({
  next: null,
  conflict: null,
  failure: null,
  lost: [],
  reading: null,
}));

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
  if (others.length)
    app().notify("info", `One file is read at a time: ${others.map((one) => one.name).join(", ")} not.`);
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

/** Read a file that a person chose or dropped: YAML, a config of OpenMMLab, or a `.pt2`; nothing of it runs. */
export async function upload(file: File): Promise<void> {
  const title = `${file.name} can't be read`;
  if (/\.pt2$/i.test(file.name)) return guarded(() => void readProgram(file, title));
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
    app().notify("info", `Read ${file.name}${notes}`);
  });
}

/** Upload a program of torch.export, and open the graph that the server makes of it, with its weights. */
async function readProgram(file: File, title: string): Promise<void> {
  const large = tooLargeFor(file);
  if (large) return failed(title, { message: `${large} The command composer import reads it.`, problems: [] });
  const ended = new AbortController();
  let task = ownTask({ state: "working", doing: "Uploading", total: file.size });
  const report = (next: TaskView) => {
    task = next;
    useFiles.setState({ reading: { name: file.name, task, stop } });
  };
  const stop = () => {
    ended.abort();
    void cancelTask(task);
    useFiles.setState({ reading: null });
    close();
    app().notify("info", `${file.name} was not read: it was ended.`);
  };
  report(task);
  app().set({ dialog: "reading" });
  try {
    const path = await sendFile(file, "program.pt2", (done) => report({ ...task, done }), ended.signal);
    task = await follow("program_read", { path, name: file.name }, (next) => !ended.signal.aborted && report(next));
  } catch (error) {
    if (error instanceof EndedError) return;
    const why = error instanceof Error ? error.message : String(error);
    task = ownTask({ problems: [problemOf(`it was not uploaded: ${why}`)] });
  }
  if (ended.signal.aborted) return void cancelTask(task);
  useFiles.setState({ reading: null });
  if (task.result?.kind === "program") return showProgram(file.name, task.result as ProgramResult, title);
  const gone = "the server was started anew while it read the file: upload it again";
  failed(title, { message: gone, problems: task.problems });
}

/** Show the graph of a program; it is saved nowhere yet, and its weights are those of the import. */
async function showProgram(name: string, result: ProgramResult, title: string): Promise<void> {
  const { document, file: imported, notes } = result;
  app().set({ busy: app().busy + 1 });
  try {
    const view = await app().bridge.call<GraphView>("look", { document, path: [] });
    await idle();
    const file = imported.split("/").at(-1) ?? imported;
    app().show({ document, view, notes, name: file, place: "none", version: null });
    app().set({ file: { ...app().file, imported, saved: "" }, dialog: null, panel: "problems", lens: null });
    focusCanvas();
    app().notify("info", `Read ${name} with its weights; ${counted(notes.length, "note")} on it under Problems`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.offline) app().set({ offline: true });
    failed(title, error.failure);
  } finally {
    app().set({ busy: app().busy - 1 });
  }
}

/** Save to the file that is open, or ask for a name where there is none. */
export async function save(): Promise<void> {
  const { file } = app();
  if (file.place !== "workspace") return saveAs();
  await finishTyping();
  const reason = await store({ name: app().file.name, version: app().file.version });
  if (reason) app().notify("error", reason);
}

export const saveAs = (): void => {
  void finishTyping();
  app().set({ dialog: "save" });
};

/** Save under a name; gives why it was refused. */
export async function store(where: Pick<SaveRequest, "name" | "version" | "overwrite">): Promise<string | null> {
  await idle();
  const { document, bridge, set, notify } = app();
  set({ busy: app().busy + 1 });
  try {
    const reply = await bridge.call<SaveReply>("save", { ...where, document });
    if (!reply.saved) {
      useFiles.setState({ conflict: { name: reply.name, reason: reply.conflict ?? "" } });
      set({ dialog: "conflict" });
      return null;
    }
    const load = await keepWeights({ name: reply.name, place: "workspace", version: reply.version, saved: document });
    useFiles.setState({ conflict: null });
    focusCanvas();
    notify("success", `Saved ${reply.name}. In Python:`, load || reply.load);
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

/**
 * Put the weights of a run or an import beside the file that was just saved; gives the line that loads both. Where that
 * fails, the next Save tries it again.
 */
async function keepWeights(file: FileState): Promise<string> {
  const { bridge, set } = app();
  const { run, imported } = app().file;
  let load = "";
  set({ file: { ...file, run, imported } });
  try {
    for (const [call, name] of Object.entries({ train_keep: run, program_keep: imported })) {
      if (name) ({ load } = await bridge.call<KeepWeightsReply>(call, { name, file: file.name }));
    }
  } catch (error) {
    const gone = error instanceof Refusal && error.failure.problems?.some(({ code }) => code === "no-weights");
    if (gone) set({ file });
    throw error;
  }
  if (run || imported) set({ file });
  return load;
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
