import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Button, IconButton } from "./Button";

export interface Entry {
  words: string;
  about?: string;
  /** Whether it is the chosen one of several; undefined where it is no choice. */
  checked?: boolean;
  keys?: string;
  icon: ReactNode;
  action: () => void;
}

interface Props {
  label: string;
  entries: Entry[];
  /** It lies at the end of the bar, and its list opens towards the beginning. */
  end?: boolean;
}

const ITEMS = '[role^="menuitem"]';

/** A button that opens a list of actions; arrow keys go through it. */
export function Menu({ label, entries, end }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>(ITEMS)?.focus();
    const away = (event: Event) => !box.current?.contains(event.target as Node) && setOpen(false);
    document.addEventListener("pointerdown", away, true);
    return () => document.removeEventListener("pointerdown", away, true);
  }, [open]);

  const shut = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    const items = [...(box.current?.querySelectorAll<HTMLElement>(ITEMS) ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const goal = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") shut();
    if (goal !== undefined) items[goal % items.length]?.focus();
    if (goal === undefined && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="composer-dropdown" ref={box} onKeyDown={onKeyDown}>
      <IconButton
        ref={button}
        icon="more"
        label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <div className={`composer-dropdown-list${end ? " is-end" : ""}`} role="menu" aria-label={label}>
          {entries.map((entry) => (
            <Button
              key={entry.words}
              look="bare"
              role={entry.checked === undefined ? "menuitem" : "menuitemradio"}
              aria-checked={entry.checked}
              title={entry.about}
              tabIndex={-1}
              className="composer-dropdown-item"
              onClick={() => {
                shut();
                entry.action();
              }}
            >
              {entry.icon}
              <span>{entry.words}</span>
              {entry.keys && <kbd className="composer-kbd">{entry.keys}</kbd>}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}
