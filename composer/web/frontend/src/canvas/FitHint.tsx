import { useConnection } from "@xyflow/react";
import type { Point } from "../logic/geometry";
import { useCanvas } from "./state";
import { endOf } from "./wiring";

/** While something is dragged: what comes of letting it go here, or why nothing does. */
export function FitHint() {
  const handle = useConnection((connection) => (connection.inProgress && connection.toHandle?.id) || null);
  const x = useConnection((connection) => (connection.inProgress ? connection.pointer?.x : 0) ?? 0);
  const y = useConnection((connection) => (connection.inProgress ? connection.pointer?.y : 0) ?? 0);
  const reason = useCanvas(({ wiring }) => (handle && wiring?.reasons?.get(endOf(handle))) || null);
  const over = useCanvas((state) => state.over);
  const root = useCanvas((state) => state.root);
  if (!root) return null;
  const area = root.getBoundingClientRect();
  if (over) return <Hint at={[over.at[0] - area.left, over.at[1] - area.top]} words={over.words} bad={over.refused} />;
  return reason && <Hint at={[x, y]} words={reason} bad />;
}

function Hint({ at: [x, y], words, bad }: { at: Point; words: string; bad: boolean }) {
  return (
    <div
      className={`composer-fit-hint${bad ? "" : " composer-fit-hint-good"}`}
      role="status"
      style={{ transform: `translate(${x + 16}px, ${y + 18}px)` }}
    >
      {words}
    </div>
  );
}
