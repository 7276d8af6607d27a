import type { ControlProps } from "./TextControl";

/** On or off. */
export function SwitchControl({ id, value, commit, refused, disabled, label }: ControlProps) {
  return (
    <input
      id={id}
      type="checkbox"
      role="switch"
      className="composer-switch"
      checked={value === true}
      disabled={disabled}
      aria-label={label}
      aria-describedby={`${id}-notes`}
      onChange={(event) => void commit(event.target.checked).then(refused)}
    />
  );
}
