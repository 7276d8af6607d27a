import { Button } from "./Button";

interface Props<T extends string> {
  options: readonly (readonly [value: T, words: string])[];
  chosen: T;
  choose: (value: T) => void;
  className?: string;
}

/** A few views of the same, side by side: a click shows another. */
export function Segments<T extends string>({ options, chosen, choose, className }: Props<T>) {
  return (
    <span className={className ? `composer-segments ${className}` : "composer-segments"}>
      {options.map(([value, words]) => (
        <Button
          key={value}
          look="bare"
          className={value === chosen ? "is-on" : ""}
          aria-pressed={value === chosen}
          onClick={() => choose(value)}
        >
          {words}
        </Button>
      ))}
    </span>
  );
}
