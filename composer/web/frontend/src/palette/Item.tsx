import { memo } from "react";
import { wordsOfKind } from "../canvas/kinds";
import { PART } from "../canvas/parts";
import type { Entry } from "./entries";
import type { HelpAt } from "./Help";

interface Props {
  entry: Entry;
  add: (entry: Entry) => void;
  help: (at: HelpAt | null) => void;
  showKind: boolean;
}

/** A line of the palette: dragged onto the canvas, or added by Enter or a double click. */
export const Item = memo(function Item({ entry, add, help, showKind }: Props) {
  const show = (element: HTMLElement) =>
    help({ entry, top: element.getBoundingClientRect().top, left: element.getBoundingClientRect().right });
  return (
    <div
      role="button"
      tabIndex={0}
      draggable
      className="composer-palette-item"
      style={{ "--kind": entry.colour } as React.CSSProperties}
      aria-label={`${entry.name}, ${entry.kind}`}
      onDragStart={(event) => {
        help(null);
        event.dataTransfer.setData(PART, JSON.stringify(entry.part));
        event.dataTransfer.effectAllowed = "copy";
      }}
      onDoubleClick={() => add(entry)}
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
      {showKind && <small>{wordsOfKind(entry.kind)}</small>}
    </div>
  );
});
