import type { ComponentType } from "react";
import { alternativeOf, converted, describe, type Field } from "../../logic/fields";
import { readAs } from "../../logic/values";
import { Select } from "../../ui/Select";
import { useUntilChanged } from "../../ui/useUntilChanged";
import type { ControlProps } from "./TextControl";

type Props = ControlProps & {
  fallback?: unknown;
  /** The control of a form. */
  Form: ComponentType<ControlProps>;
};

/** A value of one of several forms: `integer`, `2 integers`, `none`. */
export function UnionControl({ Form, ...props }: Props) {
  const { field, value, commit, refused, label, id, fallback } = props;
  const forms = field.kind === "union" ? field.options : [field];
  const found = value === undefined ? 0 : alternativeOf(forms, value);
  const options: Field[] = found < 0 ? [...forms, { kind: "any" }] : forms;
  const now = found < 0 ? options.length - 1 : found;
  const [chosen, setChosen] = useUntilChanged<number | null>(JSON.stringify(value), null);
  const at = chosen ?? now;
  const form = options[at];
  const choose = async (index: number) => {
    const next = options[index];
    if (!next || index === at) return;
    const start = converted(next, value, fallback);
    setChosen(index);
    refused(null);
    if (start === undefined) return;
    const reason = await commit(start);
    refused(reason);
    if (reason !== null) setChosen(null);
  };
  if (!form) return null;
  return (
    <div
      className="composer-union"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setChosen(null); // nothing was typed in the chosen form
      }}
    >
      <Select
        aria-label={`Form of ${label ?? "the value"}`}
        value={at}
        disabled={props.disabled}
        change={(value) => void choose(Number(value))}
      >
        {options.map((option, index) => (
          <option key={index} value={index}>
            {describe(option)}
          </option>
        ))}
      </Select>
      {form.kind === "none" ? (
        <span id={id} className="composer-soft" />
      ) : (
        <Form
          {...props}
          field={form}
          value={chosen === null || chosen === now ? value : undefined}
          read={(text) => readAs(form, options, text)}
        />
      )}
    </div>
  );
}
