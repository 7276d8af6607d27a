import { keysOf } from "../shortcuts";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
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
  const bare = useComposer(({ view }) => !view?.nodes.length);
  if (!empty) return null;
  return (
    <div className={bare ? "composer-start" : "composer-start composer-start-low"}>
      <h2>Build a model</h2>
      <ol>
        <li>
          <b>Add components</b>
          <span>
            Drag them from the left, or press <kbd>{keysOf("search")}</kbd> and type what you need.
          </span>
        </li>
        <li>
          <b>Wire them</b>
          <span>
            From a port on the right of a box to one on the left of another. Each wire shows the size it carries.
          </span>
        </li>
        <li>
          <b>Say what comes out</b>
          <span>Wire into the outputs of a mode: features, a loss, classes. Then run it on an image.</span>
        </li>
      </ol>
      <div>
        <Button
          look="bare"
          className="composer-primary"
          onClick={() => useComposer.getState().set({ dialog: "gallery" })}
        >
          Start from a template
        </Button>
        <Button look="bare" onClick={() => openSearch()}>
          Add the first component
        </Button>
        <Button look="bare" onClick={() => useComposer.getState().set({ dialog: "shortcuts" })}>
          First steps
        </Button>
      </div>
    </div>
  );
}
