import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { type Field, isNumber } from "../../logic/fields";
import type { Read } from "../../logic/flow";
import { readText, textOf } from "../../logic/values";
import { useComposer } from "../../store";

/** Sets a value; gives why it was refused. */
export type Commit = (value: unknown) => Promise<string | null>;

export interface ControlProps {
  id: string;
  field: Field;
  value: unknown;
  commit: Commit;
  /** Called with why what was typed is no value, and how it can be typed on; null where it is one. */
  refused: (reason: string | null, again?: () => void) => void;
  invalid?: boolean;
  disabled?: boolean;
  placeholder?: string;
  label?: string;
  /** Values that may be chosen beside the field's own: parameters of the subgraph around. */
  also?: string[];
  /** Several lines of text, in which Enter begins a new one. */
  tall?: boolean;
  /** Reads what is typed, in place of `readText`. */
  read?: (text: string) => Read;
}

/** A value as text: taken over on Enter, on leaving the field, and when the field goes away; Escape takes it back.
 * What is refused gives way to the value that the graph has, and can be typed on. */
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
  read = (text) => readText(field, text),
}: ControlProps) {
  const shown = textOf(field, value);
  const [draft, setDraft] = useState<string | null>(null);
  const [taking, setTaking] = useState(false);
  const element = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const latest = useRef({ draft: null as string | null, reason: null as string | null, take: async () => {} });

  const change = (text: string | null) => {
    latest.current.draft = text;
    latest.current.reason = null;
    setDraft(text);
    refused(null);
  };
  const refuse = (text: string, reason: string) => {
    latest.current.reason = reason;
    setDraft(null);
    refused(reason, () => {
      change(text);
      element.current?.focus();
    });
  };
  const take = async () => {
    const text = latest.current.draft;
    if (text === null) return;
    if (text === shown) return change(null);
    latest.current.draft = null;
    const found = read(text);
    if ("reason" in found) return refuse(text, found.reason);
    setTaking(true);
    const reason = await commit(found.value);
    setTaking(false);
    if (latest.current.draft !== null) return; // typed on while it was under way
    if (reason === null) return setDraft(null);
    if (!useComposer.getState().offline) return refuse(text, reason);
    latest.current.draft = text; // nobody refused it: it can be taken over once the server is back
    refused(reason);
  };
  latest.current.take = take;

  // biome-ignore lint/correctness/useExhaustiveDependencies: what was typed gives way to another value of the graph
  useEffect(() => {
    if (latest.current.draft !== null) return;
    setDraft(null);
    latest.current.reason = null;
    refused(null);
  }, [shown]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about the field that goes away
  useEffect(() => {
    const { current } = latest;
    return () => {
      void current.take().then(() => {
        if (current.reason) useComposer.getState().notify("error", `${label} was not changed: ${current.reason}`);
      });
    };
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && (draft !== null || latest.current.reason !== null)) {
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
      ref={element}
      id={id}
      data-held={draft === null || draft === shown || taking ? "" : undefined}
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
