import "./train.css";
import { createPortal } from "react-dom";
import { exact } from "../logic/format";
import { Button } from "../ui/Button";
import { readTable } from "./ask";
import { Runs } from "./runs/Runs";
import { Setup } from "./setup/Setup";
import { isActive, type Side, useTrain } from "./store";
import { usePoll } from "./usePoll";
import { useTab } from "./useTab";

/** The Train tab of the dock: what is trained next, and what was trained. */
export function TrainTab() {
  const place = useTab();
  return place && createPortal(<Panel />, place);
}

function Panel() {
  const { side, table, set } = useTrain();
  const working = table?.rows.some((row) => isActive(row.state) || row.state === "queued") ?? false;
  // the row of the run that is looked at comes with that run, more often
  const refused = usePoll(readTable, !working ? 5000 : side === "runs" ? 3000 : 1500);
  const shown = side ?? "setup";
  const sides: [Side, string][] = [
    ["setup", "New training"],
    ["runs", table?.rows.length ? `Runs (${exact(table.rows.length)})` : "Runs"],
  ];
  return (
    <div className="composer train">
      <div className="train-sides" role="tablist" aria-label="Training">
        {sides.map(([name, words]) => (
          <Button
            key={name}
            look="bare"
            role="tab"
            aria-selected={shown === name}
            tabIndex={shown === name ? 0 : -1}
            className="train-side"
            onClick={() => set({ side: name })}
            onKeyDown={(event) => {
              if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
              const other = name === "setup" ? "runs" : "setup";
              set({ side: other });
              const beside = event.currentTarget.parentElement?.children[other === "setup" ? 0 : 1];
              if (beside instanceof HTMLElement) beside.focus();
            }}
          >
            {words}
          </Button>
        ))}
        {refused && (
          <span className="train-refused" role="status">
            {refused.offline ? "The server does not answer. Trainings go on without it." : refused.message}
          </span>
        )}
      </div>
      <div className="train-body" role="tabpanel" aria-label={sides.find(([name]) => name === shown)?.[1]}>
        {shown === "setup" ? <Setup /> : <Runs />}
      </div>
    </div>
  );
}
