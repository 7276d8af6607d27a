import { type NodeProps, type ReactFlowState, useStore } from "@xyflow/react";
import { memo } from "react";
import { HANDLE, rowY } from "../logic/geometry";
import { kindColour } from "../logic/kinds";
import type { Mode } from "../logic/operations";
import type { Row } from "../logic/rows";
import { useComposer } from "../store";
import { CheckMark } from "../train/setup/CheckMark";
import { pathOf, useValues } from "../values/store";
import type { Box, BoxData } from "./drawing";
import { NameField } from "./NameField";
import { Port } from "./Port";
import { useCanvas } from "./state";

/** So many boxes from so far away are drawn without their ports. */
export const isFar = (state: ReactFlowState): boolean => state.transform[2] < 0.3 && state.nodeLookup.size > 200;

/** A node, an input, a data sample, or the outputs of a mode. */
export const BoxNode = memo(function BoxNode({ id, data, selected }: NodeProps<Box>) {
  const dim = useComposer((state) => state.lens !== null && !runs(data, state.lens));
  const far = useStore(isFar);
  const over = useCanvas((state) => (state.over?.kind === "box" && state.over.id === id ? state.over.refused : null));
  const path = useComposer((state) => state.path);
  const look = useValues((state) => state.looks.nodes.get(pathOf(path, id)));
  const { view, text, inputs, outputs } = data;
  const classes = ["composer-box", `composer-box-${view?.role ?? "outputs"}`, `composer-box-${view?.state ?? "ok"}`];
  if (selected) classes.push("composer-box-selected");
  if (over !== null) classes.push(over ? "composer-box-refuses" : "composer-box-takes");
  if (dim) classes.push("composer-dim");
  if (view?.bypassed) classes.push("composer-box-bypassed");
  if (look?.bad) classes.push("composer-box-nan");
  else if (look?.colour) classes.push("composer-box-valued");
  const style = { "--kind": kindColour(data.view), "--value": look?.colour ?? undefined } as React.CSSProperties;
  if (far) {
    return (
      <div className={classes.join(" ")} style={style}>
        <div className="composer-head">{text.title}</div>
        <Ends data={data} />
      </div>
    );
  }
  return (
    <div className={classes.join(" ")} style={style}>
      {look && (
        <div className="composer-value" title={look.title}>
          {look.colour && !look.bad && <i />}
          <span>{look.words}</span>
        </div>
      )}
      {view && <CheckMark path={pathOf(path, id)} />}
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
        <div>
          {inputs.map((row) => (
            <Port key={row.handle} row={row} side="target" open={false} />
          ))}
        </div>
        <div>
          {outputs.map((row) => (
            <Port key={row.handle} row={row} side="source" open={row.sequence && isOpen(row, outputs)} />
          ))}
        </div>
      </div>
      {text.params && (
        <div className="composer-params" title={text.params}>
          {text.params}
        </div>
      )}
    </div>
  );
});

/** Where wires end, for React Flow to measure; nothing that could be seen or dragged. */
function Ends({ data }: { data: BoxData }) {
  const end = (row: Row, at: number, side: "source" | "target") => (
    <i
      key={`${side} ${row.handle}`}
      className={`composer-end ${side}`}
      data-handleid={row.handle}
      data-handlepos={side === "target" ? "left" : "right"}
      style={{ top: rowY(data, at) - HANDLE / 2 }}
    />
  );
  return (
    <>
      {data.inputs.map((row, at) => end(row, at, "target"))}
      {data.outputs.map((row, at) => end(row, at, "source"))}
    </>
  );
}

function Head({ id, data }: { id: string; data: BoxData }) {
  const renaming = useCanvas((state) => state.renaming === id);
  const { view, text } = data;
  return (
    <div className="composer-head">
      <div className="composer-head-line">
        {renaming ? (
          <NameField name={id} />
        ) : (
          <span className="composer-title" data-rename={view ? "" : undefined} title={text.title}>
            {text.title}
          </span>
        )}
        {view && view.problems > 0 && (
          <span
            className={`composer-mark composer-mark-${view.state === "warning" ? "warning" : "error"}`}
            title={`${view.problems} problem${view.problems === 1 ? "" : "s"}; they are listed on the right`}
          >
            {view.problems}
          </span>
        )}
        {view?.role === "subgraph" && (
          <span className="composer-subgraph" title="A subgraph: double-click to enter it">
            ▣
          </span>
        )}
      </div>
      {text.type && (
        <div className="composer-head-line composer-head-type">
          <span title={text.type}>{text.type}</span>
          {text.numbers && (
            <span className="composer-numbers" title={`${view?.parameters?.toLocaleString("en")} parameters`}>
              {text.numbers}
            </span>
          )}
        </div>
      )}
    </div>
  );
}

const isOpen = (row: Row, rows: Row[]): boolean =>
  rows.some((one) => one.level !== null && one.end.startsWith(`${row.end}[`));

function runs(data: BoxData, lens: Mode): boolean {
  if (data.view) return data.view.modes.includes(lens);
  return data.output?.mode === null || data.output?.mode === lens;
}
