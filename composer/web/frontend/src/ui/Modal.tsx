import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef } from "react";
import { shortcutOf } from "../shortcuts";
import { IconButton } from "./Button";

const FOCUSABLE = 'button:not(:disabled):not([tabindex="-1"]), input:not(:disabled), textarea, select, [tabindex="0"]';

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  /** `narrow` for a question. */
  size?: "narrow" | "wide";
}

/** A dialog over the page: keeps the focus, closes on Escape, and gives the focus back. */
export function Modal({ title, onClose, children, footer, size = "narrow" }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const id = useId();

  useEffect(() => {
    const before = document.activeElement;
    const first = box.current?.querySelector<HTMLElement>("[data-first]") ?? box.current;
    first?.focus();
    if (first instanceof HTMLInputElement) first.select();
    return () => {
      const lost = document.activeElement === null || document.activeElement === document.body;
      if (lost && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape") onClose();
    if (shortcutOf(event.nativeEvent)?.typing) event.preventDefault(); // the browser's own Save and Open
    if (event.key !== "Tab") return;
    const all = [...(box.current?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])].filter((one) => one.offsetParent);
    const edge = event.shiftKey ? all[0] : all.at(-1);
    if (document.activeElement !== edge && document.activeElement !== box.current) return;
    event.preventDefault();
    (event.shiftKey ? all.at(-1) : all[0])?.focus();
  };

  return (
    <div className="composer-veil" onPointerDown={(event) => event.target === event.currentTarget && onClose()}>
      <div
        ref={box}
        className={`composer-dialog is-${size}`}
        role="dialog"
        aria-modal="true"
        aria-labelledby={id}
        tabIndex={-1}
        onKeyDown={onKeyDown}
      >
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label="Close" title="Close (Esc)" onClick={onClose} />
        </header>
        <div className="composer-dialog-body">{children}</div>
        {footer && <div className="composer-dialog-foot">{footer}</div>}
      </div>
    </div>
  );
}
