import { useState } from "react";
import { fourDigits } from "../../logic/format";
import type { TrainBoxes } from "../../payloads";
import { Button } from "../../ui/Button";

const FAULTS = { missed: "missed", false: "false", "": "right" } as const;

/** Validation images with what a detector missed and what it found wrongly, drawn over them. */
export function BoxFaults({ title, rows, none }: { title: string; rows: TrainBoxes[]; none: string }) {
  const [large, setLarge] = useState<number | null>(null);
  if (!rows.length) return <p className="composer-soft">{none}</p>;
  return (
    <section className="is-wide">
      <h4>{title}</h4>
      <ul className="train-faults-key" aria-label="What the colours of the boxes mean">
        {Object.entries(FAULTS).map(([fault, words]) => (
          <li key={fault} className={`is-${words}`}>
            {words}
          </li>
        ))}
      </ul>
      <div className="train-faults">
        {rows.map((row, place) => (
          <Button
            key={place}
            look="bare"
            className="train-fault"
            aria-pressed={large === place}
            aria-label={`${row.name}: ${said(row)}`}
            title={`${row.name}: ${said(row)}. Click to ${large === place ? "see it small" : "enlarge"}.`}
            onClick={() => setLarge(large === place ? null : place)}
          >
            <span className="train-fault-image">
              {row.image ? <img src={row.image} alt="" /> : <span className="train-noimage">no image</span>}
              {row.image && (
                <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
                  {row.boxes.toReversed().map((box, at) => (
                    <rect
                      key={at}
                      className={`is-${FAULTS[box.fault]}`}
                      x={box.left}
                      y={box.top}
                      width={Math.max(0, box.right - box.left)}
                      height={Math.max(0, box.bottom - box.top)}
                    >
                      <title>{`${FAULTS[box.fault]}: ${box.name}${box.score === null ? "" : ` ${fourDigits(box.score)}`}`}</title>
                    </rect>
                  ))}
                </svg>
              )}
              {large === place &&
                row.boxes.map((box, at) => (
                  <small
                    key={at}
                    className={`is-${FAULTS[box.fault]}`}
                    style={{ left: `${box.left * 100}%`, top: `${box.top * 100}%` }}
                  >
                    {box.name}
                    {box.score !== null && ` ${fourDigits(box.score)}`}
                  </small>
                ))}
            </span>
            <span className="train-fault-words">{said(row)}</span>
          </Button>
        ))}
      </div>
    </section>
  );
}

const said = ({ missed, false: wrong }: TrainBoxes): string =>
  [missed && `${missed} missed`, wrong && `${wrong} false`].filter(Boolean).join(", ") || "all found";
