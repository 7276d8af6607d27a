import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getBezierPath, useStore } from "@xyflow/react";
import { memo } from "react";
import { type Corner, longest, pathOf } from "../logic/routes";
import { wireLabel } from "../logic/wireLabel";
import type { WireView } from "../payloads";
import { useComposer } from "../store";
import { isFar } from "./BoxNode";
import type { Wire } from "./drawing";
import { useCanvas } from "./state";
import { WireBar } from "./WireBar";

const titleOf = (wire: WireView): string =>
  [`${wire.source} → ${wire.node}.${wire.port}`, wire.size, wire.modes && `serves ${wire.modes.join(" and ")} mode`]
    .filter(Boolean)
    .join("\n");

/** A wire with the size that it carries, above its end. */
export const WireEdge = memo(function WireEdge(props: EdgeProps<Wire>) {
  const { id, data, selected } = props;
  const dim = useComposer((state) => state.lens !== null && data !== undefined && !data.view.runs.includes(state.lens));
  const far = useStore(isFar);
  const over = useCanvas((state) => (state.over?.kind === "wire" && state.over.id === id ? state.over.refused : null));
  const alone = useComposer((state) => state.wire === id && state.wires.length < 2);
  const route = useCanvas((state) => state.routes.get(id));
  if (!data) return null;
  const { view, slot } = data;
  const line = lineOf(props, route);
  const label = far ? null : wireLabel(view, selected ? 400 : line.room);
  const classes = ["composer-wire"];
  if (view.modes) classes.push("composer-wire-some");
  if (selected) classes.push("composer-wire-selected");
  if (over !== null) classes.push(over ? "composer-wire-refuses" : "composer-wire-takes");
  if (view.problem) classes.push(`composer-wire-${view.problem}`);
  if (dim) classes.push("composer-dim");
  return (
    <g className={classes.join(" ")} style={{ "--wire": `var(--port-${view.colour || "any"})` } as React.CSSProperties}>
      {!far && <title>{titleOf(view)}</title>}
      <BaseEdge id={id} path={line.path} interactionWidth={far ? 0 : 16} />
      {line.back && !far && <path className="composer-wire-back" d={line.back} />}
      {label && (
        <text
          className="composer-wire-label"
          x={line.label[0]}
          y={line.label[1] - (route ? 0 : slot * 13)}
          textAnchor="end"
        >
          {label.modes && <tspan className="composer-wire-modes">{label.modes} </tspan>}
          {label.level && <tspan className="composer-wire-level">{label.level} </tspan>}
          {label.size}
        </text>
      )}
      {selected && alone && (
        <EdgeLabelRenderer>
          <div
            className="composer-wirebar nodrag nopan"
            style={{ transform: `translate(-50%, -50%) translate(${line.middle[0]}px, ${line.middle[1] + 22}px)` }}
          >
            <WireBar wire={view} />
          </div>
        </EdgeLabelRenderer>
      )}
    </g>
  );
});

interface Line {
  path: string;
  /** Where its words end, and how much room there is for them. */
  label: Corner;
  room: number;
  middle: Corner;
  /** Arrows on a piece that leads backwards. */
  back: string | null;
}

/** How a wire is drawn: along its route, or as a curve where it has none or a box at its end is on the move. */
function lineOf(ends: EdgeProps<Wire>, route: Corner[] | undefined): Line {
  const { sourceX, sourceY, targetX, targetY } = ends;
  const [first, last] = [route?.[0], route?.at(-1)];
  const still = first && last && isAt(first, sourceX, sourceY) && isAt(last, targetX, targetY);
  const level = route && still ? longest(route) : null;
  if (!route || !level) {
    const [path, middleX, middleY] = getBezierPath({ ...ends, curvature: 0.3 });
    return {
      path,
      label: [targetX - 10, targetY - 6],
      room: targetX - sourceX - 4,
      middle: [middleX, middleY],
      back: null,
    };
  }
  const { left, right, y, backwards } = level;
  const middle = (left + right) / 2;
  return {
    path: pathOf(route),
    label: [right - 14, y - 5],
    room: right - left - 28,
    middle: [middle, y],
    back: backwards && right - left > 48 ? arrow(middle, y) : null,
  };
}

const isAt = ([x, y]: Corner, otherX: number, otherY: number): boolean =>
  Math.abs(x - otherX) < 1.5 && Math.abs(y - otherY) < 1.5;

/** Two points of an arrow that looks to the left. */
const arrow = (x: number, y: number): string =>
  `M${x + 5},${y - 5}L${x},${y}L${x + 5},${y + 5}M${x + 12},${y - 5}L${x + 7},${y}L${x + 12},${y + 5}`;
