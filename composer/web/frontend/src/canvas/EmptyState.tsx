import { keysOf } from "../shortcuts";
import { useComposer } from "../store";
import { openSearch } from "./commands";

/** The first three steps, on a canvas where nothing stands yet. */
export function EmptyState() {
  const empty = useComposer(
    ({ view }) =>
      view !== null &&
      !view.path.length &&
      !view.comments.length &&
      !view.nodes.some((node) => node.role === "node" || node.role === "subgraph"),
  );
  if (!empty) return null;
  return (
    <div className="composer-start">
      <h2>Build a model</h2>
      <ol>
        <li>
          <b>Add components.</b> Drag them from the left, or press <kbd>{keysOf("search")}</kbd> and type: a backbone, a
          neck, a head, a loss.
        </li>
        <li>
          <b>Wire them.</b> Drag from a port on the right of a box to a port on the left of another. Each wire shows the
          size it carries.
        </li>
        <li>
          <b>Say what comes out.</b> Wire into the outputs of a mode: features for tensor, a loss for loss, classes for
          predict.
        </li>
      </ol>
      <div>
        <button
          type="button"
          className="composer-primary"
          onClick={() => useComposer.getState().set({ dialog: "gallery" })}
        >
          Start from a template
        </button>
        <button type="button" onClick={() => openSearch()}>
          Add the first component
        </button>
      </div>
    </div>
  );
}
