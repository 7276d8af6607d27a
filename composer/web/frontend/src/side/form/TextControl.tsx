import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { type Field, isNumber } from "./fields";
import { readText, textOf } from "./values";

/** Sets a value; gives why it was refused. */
export type Commit = (value: unknown) => Promise<string | null>;

export interface ControlProps {
  id: string;
  field: Field;
  value: unknown;
  commit: Commit;
  /** Told why what is typed is no value; null where it is one. */
  refused: (reason: string | null) => void;
  invalid?: boolean;
  disabled?: boolean;
  placeholder?: string;
  label?: string;
  /** Values that may be chosen beside the field's own: parameters of the subgraph around. */
  also?: string[];
  /** Several lines of text, in which Enter begins a new one. */
  tall?: boolean;
}

/** A value as text: taken over on Enter, on leaving the field, and when the field goes away; Escape takes it back. */
export function TextControl({
  id,
  field,
  value,
  commit,
  refused,
  invalid,
  disabled,
  placeholder,
  label,
  tall,
}: ControlProps) {
  const shown = textOf(field, value);
  const [draft, setDraft] = useState<string | null>(null);
  const latest = useRef<{ draft: string | null; take: () => Promise<void> }>({
    draft: null,
    take: async () => undefined,
  });

  const change = (text: string | null) => {
    latest.current.draft = text;
    setDraft(text);
    refused(null);
  };
  const take = async () => {
    const text = latest.current.draft;
    if (text === null) return;
    if (text === shown) return change(null);
    const read = readText(field, text);
    if ("reason" in read) return refused(read.reason);
    latest.current.draft = null;
    const reason = await commit(read.value);
    if (reason === null) return setDraft(null);
    latest.current.draft = text;
    refused(reason);
  };
  latest.current.take = take;

  useEffect(() => {
    latest.current.draft = null;
    setDraft(null);
  }, [shown]);
  useEffect(() => () => void latest.current.take(), []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && draft !== null) {
      event.stopPropagation();
      change(null);
    }
    if (event.key === "Enter" && !event.shiftKey && !(tall && field.kind === "text")) {
      event.preventDefault();
      void take();
    }
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step || !isNumber(field)) return;
    event.preventDefault();
    const next = stepped(field, draft ?? shown, step * (event.shiftKey ? 10 : 1));
    if (next !== null) change(next);
  };

  const Tag = tall || isTall(field) ? "textarea" : "input";
  return (
    <Tag
      id={id}
      className={`composer-input${isCode(field) ? " is-code" : ""}`}
      value={draft ?? shown}
      placeholder={placeholder}
      aria-label={label}
      aria-invalid={invalid}
      aria-describedby={`${id}-notes`}
      inputMode={isNumber(field) ? "decimal" : undefined}
      rows={Tag === "textarea" ? 1 : undefined}
      disabled={disabled}
      spellCheck={field.kind === "text" && Tag === "textarea"}
      autoComplete="off"
      onChange={(event) => change(event.target.value)}
      onBlur={() => void take()}
      onKeyDown={onKeyDown}
    />
  );
}

const isTall = (field: Field): boolean => field.kind === "mapping" || field.kind === "any";
const isCode = (field: Field): boolean =>
  field.kind !== "text" && !(field.kind === "list" && field.item.kind === "text");

function stepped(field: Field & { kind: "integer" | "number" }, text: string, step: number): string | null {
  const value = Number(text || 0);
  if (!Number.isFinite(value)) return null;
  const next = Number((value + step * (field.kind === "integer" || Math.abs(value) >= 10 ? 1 : 0.1)).toFixed(10));
  return String(Math.min(Math.max(next, field.least ?? -Infinity), field.most ?? Infinity));
}
