import type { OutputView } from "../../payloads";
import { useComposer } from "../../store";
import { ProblemNote } from "../problems/ProblemNote";
import { OutputList } from "./OutputList";

/** A box of outputs. */
export function OutputInspector({ output }: { output: OutputView }) {
  const view = useComposer((state) => state.view);
  const mode = view?.modes.find((one) => one.mode === output.mode);
  const problems = view?.problems.filter((one) => !one.node && output.mode && one.mode === output.mode) ?? [];
  return (
    <>
      <div className="composer-heading">
        <h2>{output.mode ? `Outputs of ${output.mode} mode` : "Outputs of the subgraph"}</h2>
        <p className="composer-soft">{output.mode ? ABOUT[output.mode] : "What a call of the subgraph gives."}</p>
      </div>
      {problems.map((problem, at) => (
        <ProblemNote key={at} problem={problem} />
      ))}
      <OutputList mode={output.mode} output={output} />
      {mode && (
        <p className="composer-soft">Needs {[...mode.inputs, ...mode.data_samples].join(", ") || "no input"}.</p>
      )}
    </>
  );
}

const ABOUT = {
  tensor: "What model(images) gives: features, logits.",
  loss: "What training adds up: named scalars.",
  predict: "What the model answers: scores, labels, boxes.",
};
