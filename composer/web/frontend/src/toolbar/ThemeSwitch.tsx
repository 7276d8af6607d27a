import { Icon } from "../ui/Icon";
import type { Theme } from "./theme";

interface Props {
  theme: Theme;
  next: Theme;
  change: () => void;
}

/** One button that goes from the system's theme to light to dark. */
export function ThemeSwitch({ theme, next, change }: Props) {
  return (
    <button
      type="button"
      className="composer-button is-quiet is-icon"
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}. Click for ${next}.`}
      onClick={change}
    >
      <Icon name={theme} />
    </button>
  );
}
