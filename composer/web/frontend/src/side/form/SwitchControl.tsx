import type { ControlProps } from "./TextControl";
import { Toggle } from "./Toggle";

/** On or off. */
export function SwitchControl({ id, value, commit, refused, disabled, label }: ControlProps) {
  return (
    <Toggle
      id={id}
      checked={value === true}
      change={async (checked) => refused(await commit(checked))}
      disabled={disabled}
      label={label}
    />
  );
}
