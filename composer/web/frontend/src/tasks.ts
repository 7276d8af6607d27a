/** Work on the server that takes a while: started by a call, asked for until it is over, ended when nobody wants it. */
import { Refusal } from "./bridge";
import type { ProblemView, TaskView } from "./payloads";
import { useComposer } from "./store";

const PAUSE = 250;

const call = <T>(name: string, payload: object): Promise<T> => useComposer.getState().bridge.call<T>(name, payload);

/** What is done before the server has a task of it: a file on its way, or a task that it would not begin. */
export const ownTask = (part: Partial<TaskView>): TaskView => ({
  id: "",
  state: "failed",
  doing: "",
  done: 0,
  total: 0,
  findings: [],
  result: null,
  problems: [],
  ...part,
});

/** Whether nothing goes on any more. */
export const isOver = (task: TaskView | null): boolean =>
  !task || (task.state !== "waiting" && task.state !== "working");

export const problemOf = (message: string): ProblemView => ({
  code: "refused",
  severity: "error",
  subject: "",
  message,
  keys: [],
  path: [],
  node: null,
  port: null,
  parameter: null,
  mode: null,
  source: null,
  line: null,
  fix: null,
});

/** Start a task and report it until it is over. A server that does not answer is asked again: the task goes on. */
export async function follow(name: string, payload: object, report: (task: TaskView) => void): Promise<TaskView> {
  let task: TaskView;
  try {
    task = await call<TaskView>(name, payload);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { problems } = error.failure;
    task = ownTask({ problems: problems?.length ? problems : [problemOf(error.message)] });
  }
  report(task);
  return task.id ? goOn(task, report) : task;
}

/** Go on reporting a task that was started before, as after a reload. */
export async function goOn(begun: TaskView, report: (task: TaskView) => void): Promise<TaskView> {
  let task = begun;
  while (task.state === "waiting" || task.state === "working") {
    await new Promise((resolve) => setTimeout(resolve, document.hidden ? 4 * PAUSE : PAUSE));
    try {
      task = await call<TaskView>("setup_task", { id: task.id });
      report(task);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return task;
}

export async function cancel(task: TaskView | null): Promise<void> {
  if (!task?.id) return;
  await call<TaskView>("setup_cancel", { id: task.id }).catch(() => undefined);
}

/** An upload that was ended before it was whole. */
export class EndedError extends Error {}

/** Hand a file over to Gradio's upload, which the server's guard bounds; gives the path that it has there. */
export function sendFile(
  file: File,
  name: string,
  progress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/gradio_api/upload");
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onerror = () => reject(new Error("the server does not answer"));
    request.onabort = () => reject(new EndedError("it was ended"));
    signal?.addEventListener("abort", () => request.abort());
    request.onload = () => {
      if (request.status !== 200)
        return reject(new Error(request.responseText.slice(0, 200) || `status ${request.status}`));
      const found: unknown = JSON.parse(request.responseText);
      const path = Array.isArray(found) ? found[0] : null;
      if (typeof path === "string") resolve(path);
      else reject(new Error("the server gave no path"));
    };
    const form = new FormData();
    form.append("files", file, name);
    request.send(form);
  });
}

/** Why a file is too large for an upload, in a sentence; empty where it is not. */
export function tooLargeFor(file: File): string {
  const most = window.gradio_config?.max_file_size ?? Number.POSITIVE_INFINITY;
  return file.size > most ? `${file.name} is too large: an upload has at most ${Math.floor(most / 2 ** 20)} MiB.` : "";
}
