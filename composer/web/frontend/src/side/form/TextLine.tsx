import { useId, useState } from "react";
import type { Field } from "../../logic/fields";
import { type Refusal, Refused } from "./Refused";
import { type Commit, TextControl } from "./TextControl";

interface Props {
  label: string;
  value: string;
  commit: Commit;
  /** Read as a value of this field, not as text. */
  field?: Field;
  placeholder?: string;
  hideLabel?: boolean;
  disabled?: boolean;
}

/** A line of text that can be changed in place, with why a change is refused. */
export function TextLine({ label, value, commit, field = { kind: "text" }, placeholder, hideLabel, disabled }: Props) {
  const id = useId();
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  return (
    <div className="composer-line">
      <label htmlFor={id} className={hideLabel ? "composer-hidden" : undefined}>
        {label}
      </label>
      <TextControl
        id={id}
        field={field}
        value={value}
        commit={commit}
        refused={(reason, again) => setRefusal(reason === null ? null : { reason, again })}
        invalid={refusal !== null}
        label={label}
        placeholder={placeholder}
        disabled={disabled}
      />
      <div id={`${id}-notes`}>
        <Refused refusal={refusal} />
      </div>
    </div>
  );
}
