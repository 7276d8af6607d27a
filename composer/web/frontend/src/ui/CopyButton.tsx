import { useState } from "react";
import { useComposer } from "../store";
import { Icon } from "./Icon";

/** Copies text; says so for a moment. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    } catch {
      useComposer
        .getState()
        .notify("error", "This browser does not let the page copy: mark the text and press Ctrl+C.");
    }
  };
  return (
    <button
      type="button"
      className="composer-button is-small is-icon"
      aria-label={done ? "Copied" : `Copy ${what}`}
      title={`Copy ${what}`}
      onClick={() => void copy()}
    >
      <Icon name={done ? "good" : "copy"} />
    </button>
  );
}
