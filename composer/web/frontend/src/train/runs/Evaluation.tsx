import { useEffect, useState } from "react";
import { Refusal } from "../../bridge";
import { counted, exact, fourDigits } from "../../logic/format";
import type { TrainClass, TrainEvaluation, TrainLookedAt, TrainPrecision } from "../../payloads";
import { Button } from "../../ui/Button";
import { ask } from "../ask";
import { BoxFaults } from "./BoxFaults";
import { line } from "./curves";

/** The last evaluation: classes one by one, what is confused, and images that are worth a look. */
export function Evaluation({ name, step, state }: { name: string; step: number; state: string }) {
  const [found, setFound] = useState<TrainEvaluation | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new evaluation is asked for
  useEffect(() => {
    let gone = false;
    ask<TrainEvaluation>("evaluation", { name })
      .then((reply) => !gone && setFound(reply))
      .catch((error) => {
        if (!(error instanceof Refusal)) throw error;
      });
    return () => {
      gone = true;
    };
  }, [name, step, state]);
  if (!found) return <p className="train-empty">Reading the evaluation</p>;
  if (!found.step) return <p className="train-empty">Nothing was measured yet.</p>;
  return (
    <div className="train-evaluation">
      {found.confusion.length > 0 && (
        <Confusion matrix={found.confusion} names={found.classes.map((one) => one.name)} step={found.step} />
      )}
      {found.precision.length > 0 && <Precision curves={found.precision} />}
      {found.classes.length > 0 && <Classes rows={found.classes} />}
      {found.confused.length > 0 && (
        <section>
          <h4>Confused most often</h4>
          <table className="train-table">
            <thead>
              <tr>
                <th>right</th>
                <th>answered</th>
                <th className="is-number">times</th>
              </tr>
            </thead>
            <tbody>
              {found.confused.slice(0, 12).map(({ right, answered, count }) => (
                <tr key={`${right}\n${answered}`}>
                  <td>{right}</td>
                  <td>{answered}</td>
                  <td className="is-number">{exact(count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {found.at_score !== null && (
        <>
          <BoxFaults
            title={`Missed objects, at score ${fourDigits(found.at_score)} and above`}
            rows={found.missed}
            none="No object of a validation image is missed."
          />
          <BoxFaults
            title="Surest false boxes"
            rows={found.false}
            none="No false box is found in a validation image."
          />
        </>
      )}
      {found.at_score === null && (
        <LookedAt title="Wrong, and sure of it" rows={found.wrong} none="No validation image is answered wrongly." />
      )}
      <LookedAt title="Uncertain" rows={found.uncertain} />
    </div>
  );
}

function Confusion({ matrix, names, step }: { matrix: number[][]; names: string[]; step: number }) {
  const sums = matrix.map((row) => row.reduce((sum, count) => sum + count, 0));
  return (
    <section>
      <h4>Confusion matrix after step {exact(step)}</h4>
      <p className="composer-soft">Rows are right, columns are answered.</p>
      <div className="train-scroll">
        <table className="train-confusion" style={{ fontSize: matrix.length > 20 ? 9 : 11 }}>
          <thead>
            <tr>
              <td />
              {matrix.map((_, column) => (
                <th key={column} scope="col">
                  <span>{names[column] ?? column}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {matrix.map((row, right) => (
              <tr key={right}>
                <th scope="row">{names[right] ?? right}</th>
                {row.map((count, answered) => {
                  const share = sums[right] ? count / (sums[right] ?? 1) : 0;
                  const colour = right === answered ? "var(--c-good)" : "var(--c-error)";
                  const words = `${names[right] ?? right} was answered ${names[answered] ?? answered}: ${counted(count, "time")}`;
                  return (
                    <td
                      key={answered}
                      title={words}
                      style={{ background: `color-mix(in srgb, ${colour} ${Math.round(share * 60)}%, transparent)` }}
                    >
                      {count || ""}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const SIDE = { width: 280, height: 196, left: 30, bottom: 38, top: 6 };

/** The first curve is that of all classes; each class has a colour of its own. */
const colour = (place: number, count: number): string =>
  place === 0 ? "var(--c-text)" : `hsl(${Math.round(((place - 1) * 360) / Math.max(1, count - 1))} 62% 50%)`;

function Precision({ curves }: { curves: TrainPrecision[] }) {
  const [picked, setPicked] = useState<number | null>(null);
  const [near, setNear] = useState<number | null>(null);
  const { width, height, left, bottom, top } = SIDE;
  const x = (recall: number) => left + recall * (width - left - 8);
  const y = (precision: number) => top + (1 - precision) * (height - top - bottom);
  const strong = near ?? picked ?? 0;
  return (
    <section>
      <h4>Precision and recall at IoU 0.5</h4>
      <svg width={width} height={height} role="img" aria-label="Precision over recall" className="train-precision">
        {[0, 0.5, 1].map((value) => (
          <g key={value}>
            <line x1={left} x2={width - 8} y1={y(value)} y2={y(value)} className="train-grid" />
            <text x={left - 5} y={y(value) + 4} textAnchor="end">
              {value}
            </text>
            <text x={x(value)} y={height - 22} textAnchor="middle">
              {value}
            </text>
          </g>
        ))}
        <text x={(left + width) / 2} y={height - 6} textAnchor="middle">
          recall
        </text>
        {curves.map(({ name, precision }, place) => (
          <path
            key={place}
            d={line(
              precision.map((_, at) => x(at / Math.max(1, precision.length - 1))),
              precision.map((value) => (value === null ? null : y(value))),
            )}
            stroke={colour(place, curves.length)}
            className={place === strong ? "train-line is-strong" : "train-line is-faint"}
          >
            <title>{name}</title>
          </path>
        ))}
      </svg>
      <div className="train-key">
        {curves.map(({ name }, place) => (
          <Button
            key={place}
            look="bare"
            aria-pressed={place === (picked ?? 0)}
            onClick={() => setPicked(place === picked ? null : place)}
            onPointerEnter={() => setNear(place)}
            onPointerLeave={() => setNear(null)}
          >
            <i style={{ background: colour(place, curves.length) }} />
            {name}
          </Button>
        ))}
      </div>
    </section>
  );
}

function Classes({ rows }: { rows: TrainClass[] }) {
  const [all, setAll] = useState(false);
  const keys = Object.keys(rows[0]?.numbers ?? {});
  const shown = all ? rows : rows.slice(0, 30);
  return (
    <section>
      <h4>Classes</h4>
      <table className="train-table">
        <thead>
          <tr>
            <th>class</th>
            {keys.map((key) => (
              <th key={key} className="is-number">
                {key}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ name, numbers }, place) => (
            <tr key={place}>
              <td>{name}</td>
              {keys.map((key) => (
                <td key={key} className="is-number">
                  {numbers[key] === null ? "" : key === "count" ? exact(numbers[key] ?? 0) : fourDigits(numbers[key])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < rows.length && (
        <Button small onClick={() => setAll(true)}>
          Show all {exact(rows.length)}
        </Button>
      )}
    </section>
  );
}

function LookedAt({ title, rows, none }: { title: string; rows: TrainLookedAt[]; none?: string }) {
  if (!rows.length) return none ? <p className="composer-soft">{none}</p> : null;
  return (
    <section className="is-wide">
      <h4>{title}</h4>
      <div className="train-looked">
        {rows.map((row, place) => (
          <figure key={place} title={row.name}>
            {row.image ? <img src={row.image} alt={row.name} /> : <span className="train-noimage">no image</span>}
            <figcaption>
              <span className={row.right === row.answer ? "is-right" : "is-wrong"}>
                {row.answer} {row.score !== null && fourDigits(row.score)}
              </span>
              {row.right !== row.answer && <span>right: {row.right}</span>}
            </figcaption>
          </figure>
        ))}
      </div>
    </section>
  );
}
