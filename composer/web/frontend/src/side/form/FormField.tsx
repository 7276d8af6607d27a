import { type ReactNode, useId, useState } from "react";
import { bounds, describe, type Field } from "../../logic/fields";
import { IconButton } from "../../ui/Button";
import { Prose } from "../inspect/Prose";
import { Control } from "./Control";
import { type Refusal, Refused } from "./Refused";
import type { Commit } from "./TextControl";

interface Props {
  name: string;
  field: Field;
  /** What is shown: what the graph has, or else the default; undefined where there is neither. */
  value: unknown;
  /** Whether the graph has a value of its own here. */
  given: boolean;
  commit: Commit;
  reset?: () => void;
  resetWords?: string;
  help?: string;
  placeholder?: string;
  fallback?: unknown;
  also?: string[];
  disabled?: boolean;
  /** Several lines of text. */
  tall?: boolean;
  /** What is to be known about the value: where it comes from. */
  mark?: ReactNode;
  /** What is wrong with it. */
  problem?: ReactNode;
  /** What stands behind the control. */
  beside?: ReactNode;
}

/** A named value with its help, its mark where it was changed, and why it is refused. */
export function FormField(props: Props) {
  const { name, field, given, reset, help, problem, mark, disabled } = props;
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const id = useId();
  const limits = bounds(field);
  const stacked = field.kind === "union" || field.kind === "mapping" || field.kind === "any" || !!props.tall;
  return (
    <div className={`composer-field${given ? " is-changed" : ""}${stacked ? " is-stacked" : ""}`} data-parameter={name}>
      <div className="composer-field-head">
        <label htmlFor={id} title={`${name}: ${describe(field)}${limits && `, ${limits}`}${help ? `\n${help}` : ""}`}>
          {name}
        </label>
        {given && reset && (
          <IconButton
            icon="reset"
            label={`Reset ${name}`}
            small
            title={props.resetWords ?? "Reset to the default"}
            disabled={disabled}
            onClick={() => {
              setRefusal(null);
              reset();
            }}
          />
        )}
      </div>
      <div className="composer-field-control">
        <Control
          id={id}
          field={field}
          value={props.value}
          commit={props.commit}
          refused={(reason, again) => setRefusal(reason === null ? null : { reason, again })}
          invalid={refusal !== null || !!problem}
          disabled={disabled}
          placeholder={props.placeholder}
          fallback={props.fallback}
          also={props.also}
          tall={props.tall}
          label={name}
        />
        {props.beside}
      </div>
      <div id={`${id}-notes`} className="composer-field-notes">
        {mark}
        <Refused refusal={refusal} more={limits} />
        {problem}
        {help && (
          <div className="composer-field-help" title={help}>
            <Prose text={help} />
          </div>
        )}
      </div>
    </div>
  );
}
