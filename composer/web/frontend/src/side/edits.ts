import type { Operation } from "../logic/operations";
import type { GraphView } from "../payloads";
import { useComposer } from "../store";

/** Apply operations as one step; gives why they were refused, to be shown where the change was made. */
export const change = (label: string, ...operations: Operation[]): Promise<string | null> =>
  changeBy(label, () => operations);

/** The same, for operations that are made of what the changes before have left. */
export async function changeBy(
  label: string,
  operations: (view: GraphView | null) => Operation[],
): Promise<string | null> {
  let reason: string | null = null;
  const reply = await useComposer.getState().edit(operations, { label, refused: (why) => (reason = why) });
  return reply ? null : (reason ?? "it was not changed");
}

/** The same, for changes that have no place of their own to show a reason. */
export const act = (label: string, ...operations: Operation[]): Promise<unknown> =>
  useComposer.getState().edit(operations, { label, select: useComposer.getState().selection });
