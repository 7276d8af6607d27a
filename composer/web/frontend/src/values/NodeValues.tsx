import { number, type PortValues, share } from "../logic/nodeValues";
import type { TrainNode, ValueRow } from "../payloads";
import { Facts } from "../side/inspect/Figures";
import { useComposer } from "../store";
import { Section } from "../ui/Section";
import { Bars } from "./Bars";
import { MapOf } from "./MapOf";
import { pathOf, useValues } from "./store";

/** What a node gave in the pass, and in the training that is watched. */
export function NodeValues({ name }: { name: string }) {
  const path = useComposer((state) => state.path);
  const { now, before, training } = useValues();
  const node = pathOf(path, name);
  const ports = now?.nodes.get(node);
  const trained = training?.nodes[node];
  if (!now && !trained) return null;
  return (
    <>
      {now && (
        <Section title="Values" about={`pass ${now.number}, ${now.view.mode}`}>
          {ports ? (
            ports.map((port) => (
              <Port
                key={port.port}
                pass={now.view.name}
                port={port}
                before={before?.nodes.get(node)?.find((one) => one.port === port.port)}
                nameless={ports.length === 1 && port.rows.length === 1}
              />
            ))
          ) : (
            <p className="composer-soft">
              {node} was not run in this pass ({now.view.mode} mode).
            </p>
          )}
        </Section>
      )}
      {trained && training && (
        <Section title="In training" about={`step ${training.step?.toLocaleString("en") ?? "–"}`}>
          <Facts rows={trainedRows(trained)} />
        </Section>
      )}
    </>
  );
}

function Port({
  pass,
  port,
  before,
  nameless,
}: {
  pass: string;
  port: PortValues;
  before: PortValues | undefined;
  nameless: boolean;
}) {
  return (
    <>
      {port.rows.map((row, at) => (
        <div key={row.level ?? -1} className="composer-values-port">
          {!nameless && (
            <h4>
              {port.port}
              {row.level !== null && `[${row.level}]`}
            </h4>
          )}
          <Facts rows={rowsOf(row, before?.rows[at])} />
          {row.nan + row.infinite > 0 && (
            <p className="composer-values-nan" role="alert">
              {row.nan > 0 && `${row.nan.toLocaleString("en")} of ${row.count.toLocaleString("en")} are NaN. `}
              {row.infinite > 0 &&
                `${row.infinite.toLocaleString("en")} of ${row.count.toLocaleString("en")} are infinite.`}
            </p>
          )}
          {row.histogram && row.histogram.counts.length > 1 && (
            <Bars
              counts={row.histogram.counts}
              low={row.histogram.low}
              high={row.histogram.high}
              label={`Histogram from ${number(row.histogram.low)} to ${number(row.histogram.high)}`}
            />
          )}
          {at < MAPS && row.count > 1 && <MapOf key={`${pass} ${row.node}`} pass={pass} row={row} />}
        </div>
      ))}
    </>
  );
}

/** So many levels of a sequence are drawn at once. */
const MAPS = 6;

function rowsOf(row: ValueRow, before: ValueRow | undefined): [string, string, string][] {
  const against = (name: "mean" | "std" | "low" | "high") => {
    const [now, earlier] = [row[name], before?.[name] ?? null];
    if (earlier === null || now === null || now === earlier) return number(now);
    return `${number(now)} (before ${number(earlier)})`;
  };
  if (row.count === 1) return [["Value", against("mean"), `One number, ${row.dtype}`]];
  return [
    ["Size", row.shape.join(" × ") || "one number", `${row.count.toLocaleString("en")} numbers, ${row.dtype}`],
    ["Mean", against("mean"), "Mean of all finite numbers, over all samples"],
    ["Spread", against("std"), "Standard deviation of all finite numbers"],
    ["Least", against("low"), "The least finite number"],
    ["Greatest", against("high"), "The greatest finite number"],
    ["Zeros", share(row.zeros, row.count), `${row.zeros.toLocaleString("en")} numbers are 0`],
  ];
}

function trainedRows(one: TrainNode): [string, string, string][] {
  const text = (name: "mean" | "std" | "gradient" | "weight") =>
    one.not_finite.includes(name) ? "NaN or infinite" : number(one[name]);
  return [
    ["Mean", text("mean"), "Mean of what it gave, over the batch"],
    ["Spread", text("std"), "Standard deviation of what it gave"],
    ["NaN, infinite", one.bad.toLocaleString("en"), "How many of the numbers that it gave"],
    ["Gradient norm", text("gradient"), "Norm of the gradients of its weights, before they were cut"],
    ["Weight norm", text("weight"), "Norm of its weights after the step"],
  ];
}
