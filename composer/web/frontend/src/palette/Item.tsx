import { memo } from "react";
import { pressPart, touchPart } from "../canvas/partDrag";
import type { Entry } from "../logic/entries";
import type { HelpAt } from "./Help";

interface Props {
  entry: Entry;
  add: (entry: Entry) => void;
  help: (at: HelpAt | null) => void;
  showKind: boolean;
}

/** A line of the palette: dragged onto the canvas, or added by Enter, a double click or a tap. */
export const Item = memo(function Item({ entry, add, help, showKind }: Props) {
  const show = (element: HTMLElement) =>
    help({ entry, top: element.getBoundingClientRect().top, left: element.getBoundingClientRect().right });
  const carrying = { part: entry.part, name: entry.name, colour: entry.colour, began: () => help(null) };
  return (
    <div
      role="button"
      tabIndex={0}
      className="composer-palette-item"
      style={{ "--kind": entry.colour } as React.CSSProperties}
      aria-label={`${entry.name}, ${entry.kind}`}
      onMouseDown={(event) => pressPart(event, carrying)}
      onTouchStart={(event) => touchPart(event, carrying)}
      onDoubleClick={() => add(entry)}
      onClick={(event) => {
        if ((event.nativeEvent as PointerEvent).pointerType === "touch") add(entry);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          add(entry);
        }
        if (event.key === "Escape") help(null);
      }}
      onMouseEnter={(event) => show(event.currentTarget)}
      onFocus={(event) => event.currentTarget.matches(":focus-visible") && show(event.currentTarget)}
      onBlur={() => help(null)}
    >
      <span>{entry.name}</span>
      {showKind && <small>{entry.component ? entry.group : entry.kind}</small>}
    </div>
  );
});
