import "./setup.css";
import { type ReactNode, useEffect } from "react";
import { Icon } from "../../ui/Icon";
import { CheckPart } from "./CheckPart";
import { DataPart } from "./DataPart";
import { dataKeyOf, findCheck, lookAtData } from "./data";
import { RecipePart } from "./RecipePart";
import { wake } from "./recipe";
import { useSetup } from "./store";

/** What is trained next: on which data, how, and whether it will go well. Three steps from left to right. */
export function Setup() {
  const reply = useSetup((state) => state.reply);
  const dataKey = dataKeyOf(reply?.values);
  const checked = useSetup((state) => state.check?.state);
  const data = useSetup((state) => state.data);
  const owner = useSetup((state) => state.owner);
  useEffect(() => {
    void wake().then(findCheck);
  }, []);
  useEffect(() => {
    if (dataKey) void lookAtData();
  }, [dataKey]);
  const wrong = reply?.problems.some((problem) => problem.severity === "error") ?? false;
  const unfit = reply?.graph_problems.some((problem) => problem.severity === "error") ?? false;
  return (
    <div className="setup">
      <Step number={1} title="Data" done={!!data && reply?.known === true && !unfit} className="is-data">
        <DataPart key={owner} />
      </Step>
      <Step number={2} title="Recipe" done={!!data && !wrong && reply?.known === true} className="is-recipe">
        <RecipePart />
      </Step>
      <Step number={3} title="Check and start" done={checked === "ok" || checked === "warning"} className="is-check">
        <CheckPart />
      </Step>
    </div>
  );
}

interface StepProps {
  number: number;
  title: string;
  done: boolean;
  className: string;
  children: ReactNode;
}

function Step({ number, title, done, className, children }: StepProps) {
  return (
    <section className={`setup-step ${className}`} aria-label={title}>
      <header>
        <span className={`setup-number${done ? " is-done" : ""}`} aria-hidden="true">
          {done ? <Icon name="good" /> : number}
        </span>
        <h3>{title}</h3>
      </header>
      {children}
    </section>
  );
}
