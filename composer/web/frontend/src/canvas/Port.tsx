import { Handle, Position } from "@xyflow/react";
import { memo } from "react";
import type { Row } from "../logic/rows";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { toggleLevel } from "./commands";
import { useCanvas } from "./state";
import { pointOf } from "./underneath";

interface Props {
  row: Row;
  side: "source" | "target";
  open: boolean;
}

/** A line of a box: the port's handle, its name, and a switch that opens a sequence into its levels. */
export const Port = memo(function Port({ row, side, open }: Props) {
  const out = useCanvas(({ wiring }) => {
    if (!wiring) return false;
    if (wiring.from === side) return wiring.end !== row.end;
    return (wiring.reasons?.get(row.end) ?? null) !== null;
  });
  const fits = useCanvas(({ wiring }) => wiring?.from !== side && wiring?.reasons?.get(row.end) === null);
  const classes = ["composer-port", `composer-port-${side}`];
  if (row.missing) classes.push("composer-port-missing");
  if (row.optional && !row.wired) classes.push("composer-port-optional");
  if (row.free) classes.push("composer-port-free");
  if (row.wired) classes.push("composer-port-wired");
  if (row.level !== null) classes.push("composer-port-level");
  if (out) classes.push("composer-port-out");
  if (fits) classes.push("composer-port-fits");
  return (
    <div
      className={classes.join(" ")}
      style={{ "--port": `var(--port-${row.colour})` } as React.CSSProperties}
      title={hintOf(row)}
      onMouseDownCapture={row.wired && side === "target" ? (event) => pullOff(event, row.handle) : undefined}
      onTouchStartCapture={row.wired && side === "target" ? (event) => pullOff(event, row.handle) : undefined}
    >
      <Handle
        id={row.handle}
        type={side}
        position={side === "target" ? Position.Left : Position.Right}
        aria-label={`${side === "target" ? "port" : "output port"} ${row.hint}${row.missing ? ", needs a wire" : ""}`}
      />
      {row.sequence && (
        <Button
          look="bare"
          className="composer-port-levels nodrag"
          tabIndex={-1}
          aria-expanded={open}
          aria-label={`levels of ${row.end}`}
          title={open ? "Close the levels" : "Open the levels, to wire each one"}
          onClick={(event) => {
            event.stopPropagation();
            toggleLevel(row.end);
          }}
          onDoubleClick={(event) => event.stopPropagation()}
        >
          {open ? "▾" : "▸"}
        </Button>
      )}
      <span className="composer-port-name">{row.label}</span>
    </div>
  );
});

/** Pulling at a port that has a wire takes the end of the wire along; with Ctrl a new wire is drawn to the port. */
function pullOff(event: React.MouseEvent | React.TouchEvent, handle: string): void {
  const touches = "touches" in event;
  if (event.ctrlKey || event.metaKey || (touches ? event.touches.length > 1 : event.button !== 0)) return;
  if (!(event.target instanceof Element) || !event.target.closest(".react-flow__handle")) return;
  const end = wireEnd(handle);
  if (!end) return;
  event.stopPropagation();
  const [clientX, clientY] = pointOf(event.nativeEvent);
  end.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, cancelable: true, view: window, clientX, clientY }));
}

/** Where React Flow takes hold of the wire that ends in a port: the selected one, that of the lens, or the last drawn. */
function wireEnd(handle: string): Element | null {
  const { flow, root } = useCanvas.getState();
  const { wire, lens } = useComposer.getState();
  const mine = flow?.getEdges().filter((one) => one.targetHandle === handle) ?? [];
  const found =
    mine.find((one) => one.id === wire) ??
    mine.findLast((one) => lens !== null && one.data?.view.runs.includes(lens)) ??
    mine.at(-1);
  if (!found) return null;
  return (
    root?.querySelector(`.react-flow__edge[data-id="${CSS.escape(found.id)}"] .react-flow__edgeupdater-target`) ?? null
  );
}

const hintOf = (row: Row): string =>
  row.missing ? `${row.hint}\nIt needs a wire.` : row.optional && !row.wired ? `${row.hint}\noptional` : row.hint;
