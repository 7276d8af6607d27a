import type { ComponentProps } from "react";

interface Props extends Omit<ComponentProps<"select">, "className" | "onChange"> {
  /** Takes the value of the option that was chosen. */
  change: (value: string) => void;
}

/** One of several options, which are its children. */
export function Select({ change, ...rest }: Props) {
  return <select className="composer-select" onChange={(event) => change(event.target.value)} {...rest} />;
}
