import type { ProblemView } from "../../payloads";
import { Button } from "../../ui/Button";
import { act } from "../edits";

/** What a problem says, and its repair; for a mere notice nothing is offered that would take something away. */
export function ProblemNote({ problem }: { problem: ProblemView }) {
  const { fix } = problem;
  return (
    <div className={`composer-problem-note is-${problem.severity}`}>
      <div className="composer-lines">{problem.message}</div>
      {!!fix?.edits.length && !(problem.severity === "notice" && fix.changes) && (
        <Button
          small
          className="composer-fix"
          onClick={() => act(`fix: ${fix.message}`, { op: "set", edits: fix.edits, fix: true })}
        >
          {fix.changes ? `Or: ${fix.message} (${fix.changes})` : `Fix: ${fix.message}`}
        </Button>
      )}
    </div>
  );
}
