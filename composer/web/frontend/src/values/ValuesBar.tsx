import { sameGraph } from "../logic/sameGraph";
import "./values.css";
import { showNode } from "../goTo";
import { gradient, number, STATISTICS, type Statistic, share } from "../logic/nodeValues";
import { isEmpty, useComposer } from "../store";
import { Button } from "../ui/Button";
import { offered, type Pass, type Source, useValues } from "./store";

/** What colours the nodes, and the scale of the colours: above the canvas, as soon as there are values. */
export function ValuesBar() {
  const { now, before, training, source, statistic, hidden, looks, set } = useValues();
  const empty = useComposer(isEmpty);
  if (empty || (!now && !training)) return null;
  const choices = offered({ source, before });
  return (
    <section className="composer-values-bar" aria-label="Values on the canvas">
      <div className="composer-values-line">
        {now && training ? (
          <select
            aria-label="Values of"
            value={source}
            onChange={(event) => set({ source: event.target.value as Source })}
          >
            <option value="run">Run</option>
            <option value="training">Training</option>
          </select>
        ) : (
          <b>{source === "training" ? "Training" : "Run"}</b>
        )}
        <select
          aria-label="Colour nodes by"
          title="What is written at each node, and colours it"
          value={hidden ? "hidden" : (statistic ?? "")}
          onChange={({ target }) =>
            set({
              hidden: target.value === "hidden",
              statistic: target.value === "hidden" || !target.value ? null : (target.value as Statistic),
            })
          }
        >
          <option value="hidden">Show nothing</option>
          <option value="">NaN only</option>
          {choices.map((one) => (
            <option key={one} value={one}>
              {STATISTICS[one].words}
            </option>
          ))}
        </select>
        {!hidden && statistic && looks.low !== null && <Scale />}
        {!hidden && <Bad />}
      </div>
      <About />
    </section>
  );
}

function Scale() {
  const { looks, statistic } = useValues();
  const { low, high, signed } = looks;
  if (low === null || high === null) return null;
  const most = Math.max(Math.abs(low), Math.abs(high));
  const text = (value: number) => (statistic === "zeros" ? share(value, 1) : number(value));
  return (
    <span className="composer-values-scale" role="img" aria-label={`Colours from ${text(low)} to ${text(high)}`}>
      <span>{text(signed ? -most : low)}</span>
      <i style={{ background: gradient(signed) }} />
      <span>{text(signed ? most : high)}</span>
    </span>
  );
}

/** Leads to the first node that gave NaN. */
function Bad() {
  const { looks } = useValues();
  if (!looks.bad) return null;
  const first = [...looks.nodes].find(([, look]) => look.bad)?.[0] ?? "";
  return (
    <Button
      look="bare"
      className="composer-values-bad"
      title={`Show the first of them: ${first}`}
      onClick={() => void showNode(first)}
    >
      {looks.bad} node{looks.bad === 1 ? "" : "s"} with NaN
    </Button>
  );
}

/** Which pass, or which step of which training, and whether it is of another graph. */
function About() {
  const { now, before, training, source, statistic } = useValues();
  const document = useComposer((state) => state.document);
  if (source === "training" && training) {
    return (
      <div className="composer-values-about">
        <span title={training.name}>
          {training.step === null ? "Nothing counted yet" : `Step ${training.step.toLocaleString("en")}`} of{" "}
          {training.name}
          {training.step !== null && `, ${new Date(training.time * 1000).toLocaleTimeString()}`}
        </span>
        {!training.outputs && training.step !== null && (
          <span>torch.compile: what nodes give is not seen; weights and gradients are</span>
        )}
        {training.differs && (
          <strong role="status" title={training.differs}>
            {training.differs}
          </strong>
        )}
      </div>
    );
  }
  if (!now) return null;
  const twin = (statistic === "mean-change" || statistic === "std-change") && before;
  const words = (pass: Pass) => `Pass ${pass.number} (${pass.view.mode}): ${pass.view.title}`;
  return (
    <div className="composer-values-about">
      <span title={twin ? `${words(now)}\n${words(twin)}` : words(now)}>
        {twin ? `Pass ${now.number} (${now.view.mode}) less pass ${twin.number} (${twin.view.mode})` : words(now)}
      </span>
      {!sameGraph(now.view.document, document) && <strong role="status">The graph was changed since.</strong>}
    </div>
  );
}
