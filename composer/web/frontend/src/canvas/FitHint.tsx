import { useConnection } from "@xyflow/react";
import { useCanvas } from "./state";
import { endOf } from "./wiring";

/** While a wire is dragged: why it can't end in the port under the pointer. */
export function FitHint() {
  const handle = useConnection((connection) => (connection.inProgress && connection.toHandle?.id) || null);
  const x = useConnection((connection) => (connection.inProgress ? connection.pointer?.x : 0) ?? 0);
  const y = useConnection((connection) => (connection.inProgress ? connection.pointer?.y : 0) ?? 0);
  const reason = useCanvas(({ wiring }) => (handle && wiring?.reasons?.get(endOf(handle))) || null);
  if (!reason) return null;
  return (
    <div className="composer-fit-hint" role="status" style={{ transform: `translate(${x + 16}px, ${y + 18}px)` }}>
      {reason}
    </div>
  );
}
