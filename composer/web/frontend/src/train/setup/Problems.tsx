import { goTo } from "../../goTo";
import { placeOf } from "../../logic/problems";
import type { ProblemView } from "../../payloads";
import { act } from "../../side/edits";
import { Button } from "../../ui/Button";
import { editRecipe } from "./recipe";

interface Props {
  problems: ProblemView[];
  /** What fixes are edits of. */
  of: "graph" | "recipe" | "data";
  /** Called with where a problem stands in the text of the recipe. */
  goToLine?: (line: number) => void;
}

/** What is wrong, each with what mends it. */
export function ProblemList({ problems, of, goToLine }: Props) {
  if (!problems.length) return null;
  return (
    <ul className="setup-problems" aria-label={`Problems of the ${of}`}>
      {problems.map((problem, place) => (
        <li key={`${problem.code} ${problem.subject} ${place}`} className={`is-${problem.severity}`}>
          <div className="setup-problem-head">
            <b>{placeOf(problem) || (of === "data" ? "data" : problem.code)}</b>
            {of === "graph" && problem.node && (
              <Button look="link" onClick={() => void goTo(problem)}>
                show it
              </Button>
            )}
            {of === "recipe" && problem.line && goToLine && (
              <Button look="link" onClick={() => problem.line && goToLine(problem.line)}>
                line {problem.line}
              </Button>
            )}
          </div>
          <div className="composer-lines">{problem.message}</div>
          {problem.fix && of !== "data" && <Fix problem={problem} of={of} />}
        </li>
      ))}
    </ul>
  );
}

function Fix({ problem, of }: { problem: ProblemView; of: "graph" | "recipe" }) {
  const { fix } = problem;
  if (!fix?.edits.length) return null;
  const mend = () => {
    if (of === "graph") return act(`fix: ${fix.message}`, { op: "set", edits: fix.edits, fix: true });
    return editRecipe(...fix.edits.map(({ path, set, remove }) => ({ path, set, remove })));
  };
  return (
    <Button small className="setup-fix" onClick={() => void mend()}>
      Fix: {fix.message}
      {fix.changes && ` (${fix.changes})`}
    </Button>
  );
}
