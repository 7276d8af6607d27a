import { useState } from "react";
import type { TrainRow } from "../../payloads";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { useTrain } from "../store";
import { Curves } from "./Curves";
import { Differences } from "./Differences";
import { Evaluation } from "./Evaluation";
import { Head } from "./Head";
import { Output } from "./Output";
import { Samples } from "./Samples";
import { useRun } from "./useRun";

const PARTS = ["Curves", "Images", "Evaluation", "Differences", "Output"] as const;
type Part = (typeof PARTS)[number];
const NONE: TrainRow[] = [];

/** One run: what it does, how it goes, what came out of it, and what can be done with it. */
export function RunView({ name }: { name: string }) {
  const { looked, refused, read } = useRun(name);
  const rows = useTrain((state) => state.table?.rows ?? NONE);
  const against = useTrain((state) => state.against);
  const [part, setPart] = useState<Part>("Curves");
  const other = rows.some((row) => row.name === against) && against !== name ? against : null;
  const { looked: second } = useRun(other);
  if (!looked) {
    return <div className="train-run">{refused && !refused.offline ? refused.message : "Reading the run"}</div>;
  }
  const { run, curves } = looked;
  const shown = part === "Differences" && !other ? "Curves" : part;
  return (
    <section className="train-run" aria-label={`Run ${name}`}>
      <Head run={run} read={read} />
      <div className="train-parts">
        <div role="tablist" aria-label="Parts of the run" className="train-tabs">
          {PARTS.filter((one) => one !== "Differences" || other).map((one) => (
            <Button
              key={one}
              look="bare"
              role="tab"
              aria-selected={shown === one}
              className="train-tab"
              onClick={() => setPart(one)}
            >
              {one}
            </Button>
          ))}
        </div>
        {rows.length > 1 && (
          <label className="train-against">
            Compare with
            <Select value={other ?? ""} change={(value) => useTrain.setState({ against: value || null })}>
              <option value="">no other run</option>
              {rows
                .filter((row) => row.name !== name && row.state !== "queued")
                .map((row) => (
                  <option key={row.name} value={row.name}>
                    {row.name}
                  </option>
                ))}
            </Select>
          </label>
        )}
      </div>
      <div className="train-part" role="tabpanel" aria-label={shown}>
        {shown === "Curves" && <Curves run={run} curves={curves} other={second} />}
        {shown === "Images" && <Samples name={name} steps={run.samples} />}
        {shown === "Evaluation" && <Evaluation name={name} step={run.samples.at(-1) ?? 0} state={run.row.state} />}
        {shown === "Differences" && other && <Differences one={name} other={other} />}
        {shown === "Output" && <Output lines={run.output} />}
      </div>
    </section>
  );
}
