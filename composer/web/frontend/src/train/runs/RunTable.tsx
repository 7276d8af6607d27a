import { useMemo, useState } from "react";
import { duration, fourDigits, moment } from "../../logic/format";
import type { TrainRow } from "../../payloads";
import { Button } from "../../ui/Button";
import { isActive, useTrain } from "../store";
import { COLUMNS, sorted, stateWords, turned } from "./table";

/**
 * The runs, one a row, in the order of any column. One is looked at; the curves of a second one are laid over its own.
 * Up, Down, Home and End go from row to row, so that a table of hundreds is one stop of the Tab key.
 */
export function RunTable({ rows }: { rows: TrainRow[] }) {
  const { chosen, against, sort, show, set } = useTrain();
  const [focused, setFocused] = useState<string | null>(null);
  const shown = useMemo(() => sorted(rows, sort), [rows, sort]);
  const stop = shown.some((row) => row.name === focused) ? focused : chosen;
  const now = Date.now();
  return (
    <div className="train-table-place">
      <table className="train-runs-table" aria-label="Runs" onKeyDown={(event) => goToRow(event)}>
        <colgroup>
          <col className="is-tick" />
          {COLUMNS.map(({ column }) => (
            <col key={column} className={`is-${column}`} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <td />
            {COLUMNS.map(({ column, title }) => (
              <th
                key={column}
                scope="col"
                className={`is-${column}`}
                aria-sort={sort.column === column ? (sort.down ? "descending" : "ascending") : undefined}
              >
                <Button look="bare" onClick={() => set({ sort: turned(sort, column) })}>
                  {title}
                  {sort.column === column && <span aria-hidden="true">{sort.down ? "▼" : "▲"}</span>}
                </Button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr
              key={row.name}
              className={row.name === chosen ? "is-chosen" : row.name === against ? "is-against" : ""}
              aria-current={row.name === chosen || undefined}
              onFocus={() => setFocused(row.name)}
              onClick={() => show(row.name)}
            >
              <td className="is-tick">
                <input
                  type="checkbox"
                  aria-label={`Lay the curves of ${row.name} over those of the run that is shown`}
                  title={
                    row.name === chosen ? "This run is shown" : "Lay its curves over those of the run that is shown"
                  }
                  checked={row.name === against && row.name !== chosen}
                  disabled={row.name === chosen || row.state === "queued"}
                  tabIndex={row.name === stop ? 0 : -1}
                  onClick={(event) => event.stopPropagation()}
                  onChange={(event) => set({ against: event.target.checked ? row.name : null })}
                />
              </td>
              <th scope="row" className="is-name">
                <Button look="bare" title={row.name} tabIndex={row.name === stop ? 0 : -1}>
                  {row.name}
                </Button>
              </th>
              <td title={row.graph}>{row.graph}</td>
              <td title={row.recipe}>{row.recipe}</td>
              <td className="is-best" title={bestWords(row)}>
                {row.best !== null && (
                  <>
                    <b>{fourDigits(row.best)}</b> {row.metric}
                  </>
                )}
              </td>
              <td>
                <span className={`train-state is-${row.state}`} title={row.message}>
                  {stateWords(row)}
                </span>
              </td>
              <td className="is-seconds" title={row.steps ? `step ${row.step} of ${row.steps}` : ""}>
                {row.seconds > 0 && duration(row.seconds)}
                {isActive(row.state) && row.steps > 0 && (
                  <progress value={row.step} max={row.steps} aria-label="Progress" />
                )}
              </td>
              <td title={new Date(row.began * 1000).toLocaleString()}>{row.began > 0 && moment(row.began, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const bestWords = (row: TrainRow): string =>
  row.best === null ? "nothing was measured" : `${row.metric} ${row.best} at step ${row.best_step}`;

/** Up and down in the column of the element that has the focus. */
function goToRow(event: React.KeyboardEvent<HTMLTableElement>): void {
  const from = event.target as HTMLElement;
  const row = from.closest<HTMLTableRowElement>("tbody tr");
  if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
  const rows = [...(row.parentElement?.children ?? [])];
  const at = rows.indexOf(row);
  const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const kind = from.matches("input:not(:disabled)") ? "input:not(:disabled)" : "th button";
  const next = rows[to]?.querySelector<HTMLElement>(kind) ?? rows[to]?.querySelector<HTMLElement>("th button");
  next?.focus();
}
