import { counted } from "../side/format";
import { useComposer } from "../store";
import { Icon } from "./Icon";

/** How many problems there are; opens them. */
export function ProblemCount() {
  const { set } = useComposer.getState();
  const problems = useComposer((state) => state.view?.problems);
  const errors = problems?.filter((problem) => problem.severity === "error").length ?? 0;
  const count = problems?.length ?? 0;
  const state = errors ? "error" : count ? "warning" : "good";
  const words = count ? counted(count, "problem") : "No problems";
  return (
    <button type="button" className={`composer-button is-quiet composer-count is-${state}`} title={`${words}: show them`} onClick={() => set({ panel: "problems" })}>
      <Icon name={count ? "problem" : "good"} />
      <span aria-live="polite">{words}</span>
    </button>
  );
}
