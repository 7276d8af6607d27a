/** Renaming and deleting files of the workspace: the graph that is open, here or in another tab, goes with its file. */
import { Refusal } from "../bridge";
import type { DeleteFileReply, FileReply } from "../payloads";
import { type FileState, useComposer } from "../store";

/** A file that was moved to the trash. */
export interface Deleted {
  token: string;
  folder: string;
  name: string;
  /** Why it could not be brought back. */
  reason?: string;
  /** What the open graph knew of its file. */
  was: FileState | null;
}

const app = useComposer.getState;

/** Give a file another name; gives the name that it has now, or why it was refused. */
export async function renameFile(name: string, to: string): Promise<{ name: string } | { reason: string }> {
  let now = name;
  const reason = await refusal(async () => {
    now = (await app().bridge.call<FileReply>("rename_file", { name, to })).name;
    sendToTabs({ was: name, now });
  });
  return reason === null ? { name: now } : { reason };
}

/** Move a file to the trash; gives what brings it back, or why it was refused. */
export async function deleteFile(name: string): Promise<Deleted | string> {
  const { file } = app();
  let deleted: Deleted | null = null;
  const refused = await refusal(async () => {
    const reply = await app().bridge.call<DeleteFileReply>("delete_file", { name });
    deleted = { ...reply, name, was: file.place === "workspace" && file.name === name ? file : null };
    sendToTabs({ was: name, now: null });
  });
  return deleted ?? refused ?? "It was not deleted.";
}

/** Bring a file back; gives why it was refused. */
export async function restoreFile({ token, was }: Deleted): Promise<string | null> {
  return refusal(async () => {
    await app().bridge.call<FileReply>("restore_file", { token });
    if (was && app().file.place === "none") app().set({ file: was });
  });
}

async function refusal(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.offline) app().set({ offline: true });
    return error.message;
  }
}

/** A file that has another name now, or (null) is gone. */
interface Moved {
  was: string;
  now: string | null;
}

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("composer-files");
channel?.addEventListener("message", (event: MessageEvent<Moved>) => follow(event.data));

function sendToTabs(moved: Moved): void {
  channel?.postMessage(moved);
  follow(moved);
}

/** The open graph keeps its file under the new name; where the file is gone, it is work that is not saved. */
export function follow({ was, now }: Moved): void {
  const { file, set, notify } = app();
  if (file.place !== "workspace" || file.name !== was) return;
  if (now !== null) set({ file: { ...file, name: now } });
  else {
    set({ file: { ...file, place: "none", version: null, saved: "" } });
    notify("info", `${was} was deleted. Its graph stays open here, and is not saved.`);
  }
}
