import { Toggle } from "../../ui/Toggle";
import type { ControlProps } from "./TextControl";

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
