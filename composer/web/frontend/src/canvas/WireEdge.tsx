import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getBezierPath, useStore } from "@xyflow/react";
import { memo } from "react";
import type { WireView } from "../payloads";
import { useComposer } from "../store";
import { isFar } from "./BoxNode";
import type { Wire } from "./drawing";
import { useCanvas } from "./state";
import { WireBar } from "./WireBar";
import { wireLabel } from "./wireLabel";

const titleOf = (wire: WireView): string =>
  [`${wire.source} → ${wire.node}.${wire.port}`, wire.size, wire.modes && `serves ${wire.modes.join(" and ")} mode`]
    .filter(Boolean)
    .join("\n");

/** A wire with the size that it carries, above its end. */
export const WireEdge = memo(function WireEdge(props: EdgeProps<Wire>) {
  const { id, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data, selected } = props;
  const dim = useComposer((state) => state.lens !== null && data !== undefined && !data.view.runs.includes(state.lens));
  const far = useStore(isFar);
  const over = useCanvas((state) => (state.over?.kind === "wire" && state.over.id === id ? state.over.refused : null));
  const alone = useComposer((state) => state.wire === id && state.wires.length < 2);
  if (!data) return null;
  const { view, slot } = data;
  const [path, middleX, middleY] = getBezierPath({
    sourceX,
    sourceY,
    targetX,
    targetY,
    sourcePosition,
    targetPosition,
    curvature: 0.3,
  });
  const label = far ? null : wireLabel(view, selected ? 400 : targetX - sourceX - 4);
  const classes = ["composer-wire"];
  if (view.modes) classes.push("composer-wire-some");
  if (selected) classes.push("composer-wire-selected");
  if (over !== null) classes.push(over ? "composer-wire-refuses" : "composer-wire-takes");
  if (view.problem) classes.push(`composer-wire-${view.problem}`);
  if (dim) classes.push("composer-dim");
  return (
    <g className={classes.join(" ")} style={{ "--wire": `var(--port-${view.colour || "any"})` } as React.CSSProperties}>
      {!far && <title>{titleOf(view)}</title>}
      <BaseEdge id={id} path={path} interactionWidth={far ? 0 : 16} />
      {label && (
        <text className="composer-wire-label" x={targetX - 10} y={targetY - 6 - slot * 13} textAnchor="end">
          {label.modes && <tspan className="composer-wire-modes">{label.modes} </tspan>}
          {label.level && <tspan className="composer-wire-level">{label.level} </tspan>}
          {label.size}
        </text>
      )}
      {selected && alone && (
        <EdgeLabelRenderer>
          <div
            className="composer-wirebar nodrag nopan"
            style={{ transform: `translate(-50%, -50%) translate(${middleX}px, ${middleY + 22}px)` }}
          >
            <WireBar wire={view} />
          </div>
        </EdgeLabelRenderer>
      )}
    </g>
  );
});
