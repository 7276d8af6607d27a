import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";

export interface Entry {
  words: string;
  keys?: string;
  icon: ReactNode;
  action: () => void;
}

/** A button that opens a list of actions; arrow keys go through it. */
export function Menu({ label, icon, entries }: { label: string; icon: ReactNode; entries: Entry[] }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
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
    const items = [...(box.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])];
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
      <button
        ref={button}
        type="button"
        className="composer-button is-quiet is-icon"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {icon}
      </button>
      {open && (
        <div className="composer-dropdown-list" role="menu" aria-label={label}>
          {entries.map((entry) => (
            <button
              key={entry.words}
              type="button"
              role="menuitem"
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
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
