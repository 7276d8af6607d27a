import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { limits, resetSize, resize, type Sized, useSizes } from "../sizes";

interface Props {
  part: Sized;
  words: string;
  /** Where its edge lies: a drag away from the part makes it larger. */
  edge: "left" | "right" | "top";
}

const STEP = 16;
const AWAY = { left: ["ArrowLeft", "ArrowRight"], right: ["ArrowRight", "ArrowLeft"], top: ["ArrowUp", "ArrowDown"] };

/** The edge of a panel: dragged, or moved by arrow keys; a double click or Enter gives the usual size back. */
export function Splitter({ part, words, edge }: Props) {
  const sizes = useSizes();
  const [least, most] = limits(part, sizes, window);
  const now = Math.min(Math.max(sizes[part], least), most);
  const begun = useRef<{ at: number; size: number } | null>(null);
  const at = (event: PointerEvent) => (edge === "top" ? event.clientY : event.clientX);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEP * (event.shiftKey ? 4 : 1);
    const [more, less] = AWAY[edge];
    const next = { [more ?? ""]: now + step, [less ?? ""]: now - step, Home: least, End: most }[event.key];
    if (next !== undefined) resize(part, next);
    else if (event.key === "Enter") resetSize(part);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      role="separator"
      tabIndex={0}
      className={`composer-splitter is-${edge}`}
      aria-label={words}
      aria-orientation={edge === "top" ? "horizontal" : "vertical"}
      aria-valuenow={now}
      aria-valuemin={least}
      aria-valuemax={most}
      title={`${words}: drag, or use the arrow keys; a double click gives the usual size`}
      onKeyDown={onKeyDown}
      onDoubleClick={() => resetSize(part)}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.focus({ preventScroll: true });
        event.currentTarget.setPointerCapture(event.pointerId);
        begun.current = { at: at(event), size: now };
      }}
      onPointerMove={(event) => {
        const { current } = begun;
        if (current) resize(part, current.size + (at(event) - current.at) * (edge === "right" ? 1 : -1));
      }}
      onLostPointerCapture={() => {
        begun.current = null;
      }}
    />
  );
}
