import { centre, enterPath } from "../side/problems/goTo";
import { useComposer } from "../store";

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
