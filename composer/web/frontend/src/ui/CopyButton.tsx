import { useState } from "react";
import { useComposer } from "../store";
import { IconButton } from "./Button";

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
    <IconButton
      look="plain"
      icon={done ? "good" : "copy"}
      label={done ? "Copied" : `Copy ${what}`}
      small
      title={`Copy ${what}`}
      onClick={() => void copy()}
    />
  );
}
