import { useEffect, useRef } from "react";
import { keysOf, shortcut } from "../shortcuts";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { selected } from "./boxes";
import { closePopup, type Popup, useCanvas } from "./state";

type Asked = Extract<Popup, { kind: "menu" }>;
const LINE = "-";

/** The menu of what was clicked: the same actions as the shortcuts, with their keys. */
export function Menu({ asked }: { asked: Asked }) {
  const menu = useRef<HTMLDivElement>(null);
  const ids = entriesFor(asked);
  useEffect(() => {
    menu.current?.querySelector<HTMLElement>("button")?.focus();
  }, []);
  const step = (by: number) => {
    const buttons = [...(menu.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const here = buttons.indexOf(document.activeElement as HTMLElement);
    buttons[(here + by + buttons.length) % buttons.length]?.focus();
  };
  const [x, y] = asked.at;
  const height = ids.reduce((sum, id) => sum + (id === LINE ? 9 : 28), 12);
  return (
    <div
      ref={menu}
      role="menu"
      aria-label={`menu of the ${asked.about}`}
      className="composer-menu"
      style={{
        left: Math.min(x, window.innerWidth - 260),
        top: Math.max(8, Math.min(y, window.innerHeight - height - 8)),
      }}
      onContextMenu={(event) => event.preventDefault()}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) useCanvas.getState().set({ popup: null });
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "ArrowDown") step(1);
        else if (event.key === "ArrowUp") step(-1);
        else if (event.key === "Escape" || event.key === "Tab") closePopup();
        else return;
        event.preventDefault();
      }}
    >
      {ids.map((id, at) => {
        const entry = shortcut(id);
        if (!entry) return <hr key={`line-${at}`} />;
        return (
          <Button
            key={id}
            look="bare"
            role="menuitem"
            onClick={() => {
              closePopup();
              entry.action();
            }}
          >
            {entry.words}
            <kbd>{keysOf(id)}</kbd>
          </Button>
        );
      })}
    </div>
  );
}

function entriesFor({ about }: Asked): string[] {
  if (about === "wire") return ["insert", "wire-modes", "delete"];
  if (about === "comment") return ["rename", LINE, "duplicate", "delete"];
  if (about === "canvas") {
    return [
      "search",
      "paste",
      "comment",
      LINE,
      "select-all",
      "layout",
      "fit",
      "zoom-reset",
      ...(useComposer.getState().path.length ? [LINE, "leave"] : []),
    ];
  }
  const boxes = selected();
  const views = boxes.flatMap((box) => (box.data.view ? [box.data.view] : []));
  const nodes = views.filter((view) => view.role === "node" || view.role === "subgraph");
  const subgraph = views.some((view) => view.role === "subgraph");
  const ids = ["connect"];
  if (nodes.length === 1 && boxes.length === 1) ids.push("replace");
  if (views.length) ids.push("rename");
  if (views.some((view) => view.outputs.some((port) => port.sequence))) ids.push("levels");
  if (nodes.length) ids.push("bypass");
  ids.push(LINE);
  if (views.length) ids.push("cut", "copy", "duplicate", "delete", LINE);
  if (subgraph) ids.push("enter", "ungroup");
  if (nodes.length) ids.push("group");
  if (boxes.length > 1) ids.push(LINE, "align-left", "align-right", "align-top", "align-bottom");
  if (boxes.length > 2) ids.push("distribute-across", "distribute-down");
  if (boxes.length > 1) ids.push("layout");
  return ids;
}
