/** Looking at the data of the recipe, images of it, and the check. */
import type { CheckResult, DataResult, ImagesResult, TaskView, UnpackResult } from "../../payloads";
import { useComposer } from "../../store";
import { cancel, follow, goOn, isOver, ownTask, problemOf, sendFile, tooLargeFor } from "../../tasks";
import { editOrTell, readNow } from "./recipe";
import { useSetup } from "./store";

/** More samples than these are decoded only when somebody asks for it. */
const MANY = 3000;
export const PAGE = 12;
const CHECK = "composer.check";

/** What distinguishes the data of one recipe from those of another. */
export function dataKeyOf(values: Record<string, unknown> | null | undefined): string {
  const data = values?.data;
  return data ? JSON.stringify([data, values.seed ?? 0]) : "";
}

/** Where the samples of a key lie. */
const pathIn = (key: string): unknown => JSON.parse(key)[0]?.train?.path;

/** Choose a folder or file of the workspace, by its path from there. */
export async function chooseData(path: string): Promise<void> {
  const up = useSetup.getState().base ? "../".repeat(useSetup.getState().base.split("/").length) : "";
  await editOrTell(
    { path: ["data", "train"], set: { path: up + path || "." } },
    { path: ["data", "val"], remove: true },
  );
}

/** Look at the data that the recipe names now, unless that was done. */
export async function lookAtData(again = false): Promise<void> {
  const { reply, dataKey, look, set } = useSetup.getState();
  const key = dataKeyOf(reply?.values);
  if (!key || (key === dataKey && !again)) return;
  if (!isOver(look)) void cancel(look);
  const same = dataKey !== "" && pathIn(key) === pathIn(dataKey);
  set(same ? { dataKey: key } : { dataKey: key, data: null, images: null });
  await lookOnce(key, false);
  const { data } = useSetup.getState();
  if (data && useSetup.getState().dataKey === key) {
    const count = data.splits.reduce((sum, split) => sum + split.samples, 0);
    if (count <= MANY) await lookOnce(key, true);
  }
}

/** Decode every image, as far as the time goes. */
export const lookDeeper = (): Promise<void> => lookOnce(useSetup.getState().dataKey, true);

async function lookOnce(key: string, deep: boolean): Promise<void> {
  const { text, base } = useSetup.getState();
  const current = () => useSetup.getState().dataKey === key;
  const task = await follow("setup_look", { text, base, deep }, (look) => current() && useSetup.setState({ look }));
  if (!current()) return;
  if (task.result?.kind === "data") useSetup.setState({ data: task.result as DataResult });
  if (!deep) await readNow();
}

/** How often images were asked for. */
let asked = 0;

/** Read images as training sees them; what was asked for before is not wanted any more. */
export async function readImages(split: "train" | "val", epoch: number, start: number): Promise<void> {
  const { text, base, imagesTask } = useSetup.getState();
  if (!isOver(imagesTask)) void cancel(imagesTask);
  const { document } = useComposer.getState();
  asked += 1;
  const mine = asked;
  const current = () => mine === asked && useSetup.getState().data !== null; // none where another graph was opened
  const payload = { document, text, base, split, epoch, start, count: PAGE };
  const task = await follow("setup_images", payload, (one) => {
    if (current()) useSetup.setState({ imagesTask: one });
    else if (!isOver(one)) void cancel(one); // others were asked for before the server gave its name
  });
  if (current() && task.result?.kind === "images") useSetup.setState({ images: task.result as ImagesResult });
}

/** Upload a zip and unpack it; gives the folder that it became. */
export async function upload(file: File): Promise<void> {
  const report = (unpack: TaskView | null) => useSetup.setState({ unpack });
  const failed = (message: string) => report(ownTask({ problems: [problemOf(message)] }));
  const large = tooLargeFor(file);
  if (large) return failed(`${large} Copy the folder into the workspace instead.`);
  let path: string;
  try {
    path = await sendFile(file, "data.zip", (done) =>
      report(ownTask({ state: "working", doing: "Uploading", done, total: file.size })),
    );
  } catch (error) {
    return failed(`${file.name} was not uploaded: ${error instanceof Error ? error.message : error}`);
  }
  const task = await follow("setup_unpack", { path, name: file.name }, report);
  if (task.result?.kind !== "unpacked") return;
  report(null);
  const { path: folder, files } = task.result as UnpackResult;
  useComposer.getState().notify("success", `Unpacked ${files.toLocaleString("en-US")} files to ${folder}`);
  await chooseData(folder);
}

/** Try the training; what is found stays over a reload of the page, as the task does. */
export async function check(): Promise<void> {
  const { text, base, set, owner } = useSetup.getState();
  const { document } = useComposer.getState();
  const of = { text, document };
  set({ check: null, checkOf: of, checkTask: null });
  const task = await follow("setup_check", { document, text, base }, (one) => reportCheck(one, owner, of));
  if (useSetup.getState().owner === owner) takeCheck(task);
}

const reportCheck = (task: TaskView, owner: string, of: { text: string; document: string }): void => {
  if (useSetup.getState().owner === owner) useSetup.setState({ checkTask: task });
  try {
    sessionStorage.setItem(CHECK, JSON.stringify({ id: task.id, owner, of }));
  } catch {
    // it is not found again after a reload then
  }
};

function takeCheck(task: TaskView): void {
  if (task.result?.kind === "check") useSetup.setState({ check: task.result as CheckResult });
}

/** Find the check of this graph again after a reload. */
export async function findCheck(): Promise<void> {
  const { owner, checkTask } = useSetup.getState();
  if (checkTask || !owner) return;
  try {
    const kept = JSON.parse(sessionStorage.getItem(CHECK) ?? "null");
    if (!kept?.id || (kept.owner !== owner && !(kept.owner.startsWith("none/") && owner.startsWith("none/")))) return;
    const task = await useComposer.getState().bridge.call<TaskView>("setup_task", { id: kept.id });
    if (task.state === "gone") return;
    useSetup.setState({ checkTask: task, checkOf: kept.of });
    takeCheck(await goOn(task, (one) => useSetup.setState({ checkTask: one })));
  } catch {
    // nothing was kept
  }
}
