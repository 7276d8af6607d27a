import { useStore } from "@xyflow/react";
import { keysOf } from "../shortcuts";
import { Button } from "../ui/Button";
import { fit } from "./arrange";
import { useCanvas } from "./state";

/** Says that a graph is too large to be read whole, until one looks further. */
export function Beginning() {
  const beginning = useCanvas((state) => state.beginning);
  const still = useStore(
    ({ transform: [x, y, zoom] }) =>
      beginning !== null && x === beginning.x && y === beginning.y && zoom === beginning.zoom,
  );
  if (!still) return null;
  return (
    <div className="composer-beginning" role="status">
      This is where the graph begins.
      <Button look="bare" onClick={fit}>
        Show all ({keysOf("fit")})
      </Button>
    </div>
  );
}
