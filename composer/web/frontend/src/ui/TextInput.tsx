import type { ComponentProps } from "react";

interface Props extends Omit<ComponentProps<"input">, "className" | "onChange"> {
  /** Takes what was typed. */
  change?: (text: string) => void;
  /** In the type of code. */
  code?: boolean;
}

/** A field for a line of text. */
export function TextInput({ change, code, ...rest }: Props) {
  return (
    <input
      className={`composer-input${code ? " is-code" : ""}`}
      onChange={change && ((event) => change(event.target.value))}
      {...rest}
    />
  );
}
