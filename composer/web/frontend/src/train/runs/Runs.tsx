import { Button } from "../../ui/Button";
import { useTrain } from "../store";
import { RunTable } from "./RunTable";
import { RunView } from "./RunView";

/** All runs, and the one that is looked at. */
export function Runs() {
  const { table, chosen, set } = useTrain();
  if (!table) return <p className="train-empty">Reading the runs</p>;
  if (!table.rows.length) {
    return (
      <div className="train-empty">
        <p>Nothing was trained yet.</p>
        <Button look="main" onClick={() => set({ side: "setup" })}>
          Start a training
        </Button>
      </div>
    );
  }
  return (
    <div className="train-runs">
      <RunTable rows={table.rows} />
      {chosen && <RunView key={chosen} name={chosen} />}
    </div>
  );
}
