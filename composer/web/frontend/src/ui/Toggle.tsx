import { useUntilChanged } from "./useUntilChanged";

interface Props {
  id?: string;
  checked: boolean;
  change: (checked: boolean) => Promise<unknown>;
  /** A tick box in place of a switch. */
  box?: boolean;
  disabled?: boolean;
  label?: string;
}

/** On or off; shows what was chosen while the change is under way. */
export function Toggle({ id, checked, change, box, disabled, label }: Props) {
  const [wanted, setWanted] = useUntilChanged<boolean | null>(checked, null);
  return (
    <input
      id={id}
      type="checkbox"
      role={box ? undefined : "switch"}
      className={box ? undefined : "composer-switch"}
      checked={wanted ?? checked}
      disabled={disabled}
      aria-label={label}
      aria-describedby={id && `${id}-notes`}
      onChange={(event) => {
        setWanted(event.target.checked);
        void change(event.target.checked).finally(() => setWanted(null));
      }}
    />
  );
}
