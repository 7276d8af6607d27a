import { IconButton } from "../ui/Button";
import type { Theme } from "./theme";

interface Props {
  theme: Theme;
  next: Theme;
  change: () => void;
}

/** One button that goes from the system's theme to light to dark. */
export function ThemeSwitch({ theme, next, change }: Props) {
  return (
    <IconButton icon={theme} label={`Theme: ${theme}`} title={`Theme: ${theme}. Click for ${next}.`} onClick={change} />
  );
}
