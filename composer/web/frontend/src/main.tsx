import "@xyflow/react/dist/style.css";
import "./theme.css";
import "./ui/controls.css";
import { createRoot, type Root } from "react-dom/client";
import { App } from "./App";
import { Bridge, type Host } from "./bridge";
import { placed } from "./canvas/layout";
import { begin } from "./session";
import { beginWith, idle as changesDone, useComposer } from "./store";

const roots = new WeakMap<Element, Root>();

/** Draw the composer into an element; called once for each mount of the Gradio component. */
export function mount(element: Element, host: Host): void {
  roots.get(element)?.unmount();
  const root = createRoot(element);
  roots.set(element, root);
  useComposer.setState({ bridge: new Bridge(host) });
  root.render(<App />);
  beginWith(begin(host));
}

/** Resolves when a graph is open, and every change of it that was asked for is in the document and drawn. */
export async function idle(): Promise<void> {
  await changesDone();
  await new Promise(requestAnimationFrame);
  await placed();
}

export { boxes, currentDocument, currentFile, currentSelection, edit } from "./session";
/** What the Gradio side of the page asks for, and benchmarks. */
export { passed } from "./values/store";
