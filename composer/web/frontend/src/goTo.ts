import type { ProblemView } from "./payloads";
import { useComposer } from "./store";

/** Show where a problem is: enter the subgraph that it is in, select the box, bring it into the middle. */
export async function goTo(problem: ProblemView): Promise<void> {
  await enterPath(problem.path);
  const box = problem.node ?? (problem.mode ? `outputs.${problem.mode}` : null);
  const { view, select, set } = useComposer.getState();
  if (view?.path.join() !== problem.path.join()) return;
  if (box) centre(box);
  else select([]);
  set({ panel: "inspector" });
}

/** Select a node by its path: the subgraphs that it is in are entered. */
export async function showNode(path: string): Promise<void> {
  const parts = path.split(".");
  const name = parts.pop() ?? "";
  await enterPath(parts);
  const { view, path: here, notify, set } = useComposer.getState();
  if (here.join() !== parts.join() || !view?.nodes.some((node) => node.name === name)) {
    notify("info", `${path} is not in the graph that is open.`);
    return;
  }
  set({ panel: "inspector" });
  centre(name);
}

/** Select a box of the open scope and bring it into the middle. */
export function centre(name: string): void {
  const { select, set, centre: before } = useComposer.getState();
  select([name]);
  set({ centre: { name, tick: (before?.tick ?? 0) + 1 } });
}

/** Open the scope that a path of calls leads to. */
export async function enterPath(path: string[]): Promise<void> {
  const { path: now, enter, leave } = useComposer.getState();
  let common = 0;
  while (common < path.length && path[common] === now[common]) common += 1;
  if (common < now.length) await leave(common);
  for (const call of path.slice(common)) await enter(call);
}
