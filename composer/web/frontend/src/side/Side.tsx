import "./side.css";
import type { KeyboardEvent } from "react";
import { type Panel, useComposer } from "../store";
import { useUnfit } from "../train/setup/store";
import { Button } from "../ui/Button";
import { Inspector } from "./inspect/Inspector";
import { Problems, problemWords } from "./problems/Problems";

const TABS: { panel: Panel; words: string }[] = [
  { panel: "inspector", words: "Inspector" },
  { panel: "problems", words: "Problems" },
];

/** The panel on the right. */
export function Side() {
  const panel = useComposer((state) => state.panel);
  const set = useComposer((state) => state.set);
  const problems = useComposer((state) => state.view?.problems);
  const unfit = useUnfit();
  const listed = [...(problems ?? []), ...unfit].filter((problem) => problem.severity !== "notice");
  const count = listed.length;
  const errors = listed.some((problem) => problem.severity === "error");
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = TABS.find((tab) => tab.panel !== panel);
    if (other) set({ panel: other.panel });
    event.currentTarget.querySelector<HTMLElement>('[aria-selected="false"]')?.focus();
  };
  return (
    <aside className="composer-side composer-panel" aria-label="Side panel">
      <div className="composer-tabs" role="tablist" aria-label="Side panel" onKeyDown={onKeyDown}>
        {TABS.map((tab) => (
          <Button
            key={tab.panel}
            look="bare"
            id={`composer-tab-${tab.panel}`}
            role="tab"
            aria-selected={panel === tab.panel}
            aria-controls="composer-side-body"
            tabIndex={panel === tab.panel ? 0 : -1}
            onClick={() => set({ panel: tab.panel })}
          >
            {tab.words}
            {tab.panel === "problems" && !!count && (
              <span className={`composer-pill is-${errors ? "error" : "warning"}`} aria-label={problemWords(count)}>
                {count}
              </span>
            )}
          </Button>
        ))}
      </div>
      <div
        id="composer-side-body"
        className="composer-side-body"
        role="tabpanel"
        aria-labelledby={`composer-tab-${panel}`}
      >
        {panel === "inspector" ? <Inspector /> : <Problems />}
      </div>
    </aside>
  );
}
