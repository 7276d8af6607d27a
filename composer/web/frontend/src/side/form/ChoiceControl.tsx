import type { Scalar } from "../../logic/fields";
import { same } from "../../logic/values";
import { Select } from "../../ui/Select";
import { useUntilChanged } from "../../ui/useUntilChanged";
import type { ControlProps } from "./TextControl";

/** One of several values; one that is not among them is shown too, so that it is not lost. */
export function ChoiceControl({
  id,
  field,
  value,
  commit,
  refused,
  invalid,
  disabled,
  placeholder,
  label,
  also = [],
}: ControlProps) {
  const own: Scalar[] = field.kind === "choice" ? field.options : [true, false];
  const options: unknown[] = [...own, ...also];
  if (value !== undefined && !options.some((option) => same(option, value))) options.push(value);
  const at = options.findIndex((option) => same(option, value));
  const [wanted, setWanted] = useUntilChanged<number | null>(at, null);
  const choose = async (index: number) => {
    setWanted(index);
    refused(await commit(options[index]));
    setWanted(null);
  };
  return (
    <Select
      id={id}
      value={wanted ?? at}
      disabled={disabled}
      aria-label={label}
      aria-invalid={invalid}
      aria-describedby={`${id}-notes`}
      change={(value) => void choose(Number(value))}
    >
      {at < 0 && (
        <option value={-1} disabled>
          {placeholder || "choose"}
        </option>
      )}
      {options.map((option, index) => (
        <option key={index} value={index}>
          {words(option)}
          {index >= own.length + also.length ? " (not allowed)" : ""}
        </option>
      ))}
    </Select>
  );
}

const words = (option: unknown): string =>
  option === true ? "on" : option === false ? "off" : typeof option === "string" ? option : JSON.stringify(option);
