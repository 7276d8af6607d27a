import { counted } from "../logic/format";
import { isUnwired } from "../side/problems/Problems";
import { isEmpty, useComposer } from "../store";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";

/** How many problems there are; opens them. */
export function ProblemCount({ words: wide }: { words: boolean }) {
  const { set } = useComposer.getState();
  const problems = useComposer((state) => state.view?.problems);
  const errors = problems?.filter((problem) => problem.severity === "error").length ?? 0;
  const count = problems?.filter((problem) => problem.severity !== "notice").length ?? 0;
  const notices = problems?.filter((problem) => problem.severity === "notice") ?? [];
  const empty = useComposer(isEmpty);
  const begun = useComposer((state) => state.view?.nodes.some((node) => node.state !== "unwired"));
  const idle = empty || !begun || (!count && notices.length > 0);
  const state = idle ? "idle" : errors ? "error" : count ? "warning" : "good";
  const words = empty
    ? "Empty graph"
    : !begun
      ? "Nothing wired yet"
      : count
        ? counted(count, "problem")
        : !notices.length
          ? "No problems"
          : notices.every(isUnwired)
            ? `${notices.length} not wired yet`
            : counted(notices.length, "notice");
  return (
    <Button
      look="quiet"
      className={`composer-count is-${state}${wide ? "" : " is-short"}`}
      aria-label={words}
      title={`${words}: show them`}
      onClick={() => set({ panel: "problems" })}
    >
      <Icon name={idle ? "file" : count ? "problem" : "good"} />
      <span aria-live="polite">{wide ? words : count || ""}</span>
    </Button>
  );
}
