import { useEffect, useState } from "react";

export type Theme = "light" | "dark" | "system";

const KEY = "composer.theme";
const THEMES: Theme[] = ["system", "light", "dark"];

function chosenTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === kept) ?? "system";
}

const themeAfter = (theme: Theme): Theme => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";

const system = () => window.matchMedia("(prefers-color-scheme: dark)");

/** Put the class of the theme on the body, where Gradio's own parts look for it too. */
function apply(): void {
  const theme = chosenTheme();
  const dark = theme === "dark" || (theme === "system" && system().matches);
  if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
}

function choose(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  apply();
}

/** Keep to the theme that was chosen, also when the system's changes or Gradio sets its own. */
function followTheme(): () => void {
  apply();
  const seen = new MutationObserver(apply);
  seen.observe(document.body, { attributeFilter: ["class"] });
  const media = system();
  media.addEventListener("change", apply);
  return () => {
    seen.disconnect();
    media.removeEventListener("change", apply);
  };
}

/** The theme that was chosen, the one after it, and how to go there. */
export function useTheme(): [Theme, Theme, () => void] {
  const [theme, setTheme] = useState(chosenTheme);
  useEffect(followTheme, []);
  const next = themeAfter(theme);
  const change = () => {
    choose(next);
    setTheme(next);
  };
  return [theme, next, change];
}
