import type { ProblemView } from "../../payloads";
import { act } from "../edits";

/** What a problem says, and its repair. */
export function ProblemNote({ problem }: { problem: ProblemView }) {
  const { fix } = problem;
  return (
    <div className={`composer-problem-note is-${problem.severity}`}>
      <div className="composer-lines">{problem.message}</div>
      {fix && (
        <button
          type="button"
          className="composer-button is-small composer-fix"
          onClick={() => act(`fix: ${fix.message}`, { op: "apply-fix", edits: fix.edits })}
        >
          {fix.changes ? `Or: ${fix.message} (${fix.changes})` : `Fix: ${fix.message}`}
        </button>
      )}
    </div>
  );
}
