import { useEffect, useState } from "react";
import { Icon } from "./Icon";
import { choose, chosenTheme, followTheme, themeAfter } from "./theme";

/** One button that goes from the system's theme to light to dark. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(chosenTheme);
  useEffect(followTheme, []);
  const next = themeAfter(theme);
  return (
    <button
      type="button"
      className="composer-button is-quiet is-icon"
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}. Click for ${next}.`}
      onClick={() => {
        choose(next);
        setTheme(next);
      }}
    >
      <Icon name={theme} />
    </button>
  );
}
