import type { NodeProps } from "@xyflow/react";
import { memo } from "react";
import { useComposer } from "../store";
import type { Box, BoxData } from "./drawing";
import { NameField } from "./NameField";
import { Port } from "./Port";
import type { Row } from "./rows";
import { useCanvas } from "./state";
import { kindColour } from "./kinds";
import type { Mode } from "../operations";

/** A node, an input, a data sample, or the outputs of a mode. */
export const BoxNode = memo(function BoxNode({ id, data, selected }: NodeProps<Box>) {
  const dim = useComposer((state) => state.lens !== null && !runs(data, state.lens));
  const { view, text, inputs, outputs } = data;
  const classes = ["composer-box", `composer-box-${view?.role ?? "outputs"}`, `composer-box-${view?.state ?? "ok"}`];
  if (selected) classes.push("composer-box-selected");
  if (dim) classes.push("composer-dim");
  if (view?.bypassed) classes.push("composer-box-bypassed");
  return (
    <div className={classes.join(" ")} style={{ "--kind": kindColour(data) } as React.CSSProperties}>
      <Head id={id} data={data} />
      {text.badges.length > 0 && (
        <div className="composer-badges">
          {text.badges.map((badge) => (
            <span key={badge.kind} className={`composer-badge composer-badge-${badge.kind}`} title={badge.hint}>
              {badge.words}
            </span>
          ))}
        </div>
      )}
      <div className="composer-ports">
        <div>{inputs.map((row) => <Port key={row.handle} row={row} side="target" open={false} />)}</div>
        <div>{outputs.map((row) => <Port key={row.handle} row={row} side="source" open={row.sequence && isOpen(row, outputs)} />)}</div>
      </div>
      {text.params && <div className="composer-params" title={text.params}>{text.params}</div>}
    </div>
  );
});

function Head({ id, data }: { id: string; data: BoxData }) {
  const renaming = useCanvas((state) => state.renaming === id);
  const { view, text } = data;
  return (
    <div className="composer-head">
      <div className="composer-head-line">
        {renaming ? <NameField name={id} /> : <span className="composer-title" data-rename={view ? "" : undefined} title={text.title}>{text.title}</span>}
        {view && view.problems > 0 && (
          <span
            className={`composer-mark composer-mark-${view.state === "warning" ? "warning" : "error"}`}
            title={`${view.problems} problem${view.problems === 1 ? "" : "s"}; they are listed on the right`}
          >
            {view.problems}
          </span>
        )}
        {view?.role === "subgraph" && <span className="composer-subgraph" title="A subgraph: double-click to enter it">▣</span>}
      </div>
      {text.type && (
        <div className="composer-head-line composer-head-type">
          <span title={text.type}>{text.type}</span>
          {text.numbers && <span className="composer-numbers" title={`${view?.parameters?.toLocaleString("en")} parameters`}>{text.numbers}</span>}
        </div>
      )}
    </div>
  );
}

const isOpen = (row: Row, rows: Row[]): boolean => rows.some((one) => one.level !== null && one.end.startsWith(`${row.end}[`));

function runs(data: BoxData, lens: Mode): boolean {
  if (data.view) return data.view.modes.includes(lens);
  return data.output?.mode === null || data.output?.mode === lens;
}
