import { goTo } from "../../goTo";
import { counted } from "../../logic/format";
import type { ProblemView } from "../../payloads";
import { isEmpty, useComposer } from "../../store";
import { useUnfit } from "../../train/setup/store";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { ProblemNote } from "./ProblemNote";

/** All that is wrong with the graph; errors first. */
export function Problems() {
  const problems = useComposer((state) => state.view?.problems);
  const notes = useComposer((state) => state.notes);
  const faulty = useComposer((state) => state.catalog?.problems);
  const errors = problems?.filter((problem) => problem.severity === "error") ?? [];
  const warnings = problems?.filter((problem) => problem.severity === "warning") ?? [];
  const notices = problems?.filter((problem) => problem.severity === "notice") ?? [];
  const empty = useComposer(isEmpty);
  const unsuited = useUnfit();
  return (
    <div className="composer-problems">
      {(empty || !problems?.length) && !unsuited.length && (
        <div className="composer-empty">
          <Icon name={empty ? "file" : "good"} />
          <b>{empty ? "Nothing drawn yet" : "No problems"}</b>
          <span className="composer-soft">What is wrong with the graph appears here as you build it.</span>
        </div>
      )}
      <Group title="Graph and data" entries={unsuited} />
      <Group title="Errors" entries={errors} />
      <Group title="Warnings" entries={warnings} />
      {!empty && <Group title="Not wired yet" entries={notices.filter(isUnwired)} />}
      <Group title="To know before a run" entries={notices.filter((notice) => !isUnwired(notice))} />
      <Group title="Notes on what was read" entries={notes} still />
      <Group title="Components that could not be read" entries={faulty ?? []} still />
    </div>
  );
}

/** Whether a notice is about what nobody has wired yet. */
export const isUnwired = (notice: ProblemView): boolean => notice.code !== "no-preprocess";

/** `still`: not about boxes of the graph, so that there is nowhere to go. */
function Group({ title, entries, still = false }: { title: string; entries: ProblemView[]; still?: boolean }) {
  if (!entries.length) return null;
  return (
    <section aria-label={title}>
      <h3>
        {title} <span className="composer-pill">{entries.length}</span>
      </h3>
      <ul>
        {entries.map((problem, at) => (
          <li key={`${problem.code} ${problem.subject} ${at}`} className={`composer-problem is-${problem.severity}`}>
            {still ? <Head problem={problem} /> : <Way problem={problem} />}
            <ProblemNote problem={problem} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Way({ problem }: { problem: ProblemView }) {
  const words = `${problem.severity}: ${problem.code} ${problem.subject}. Go to it`;
  return (
    <Button
      look="bare"
      className="composer-problem-way"
      aria-label={words}
      title="Go to it"
      onClick={() => void goTo(problem)}
    >
      <Head problem={problem} />
    </Button>
  );
}

function Head({ problem }: { problem: ProblemView }) {
  const inside = problem.path.length ? `in ${problem.path.join(" › ")}` : "";
  const rest = [inside, problem.mode && `${problem.mode} mode`, problem.line && `line ${problem.line}`]
    .filter(Boolean)
    .join(", ");
  return (
    <span className="composer-problem-head">
      <b className="composer-mono">{problem.subject || "graph"}</b>
      <span className="composer-soft">
        {problem.code}
        {rest && `, ${rest}`}
      </span>
    </span>
  );
}

/** The tab's badge. */
export const problemWords = (count: number): string => (count ? counted(count, "problem") : "no problems");
