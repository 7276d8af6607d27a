import { useEffect, useRef } from "react";
import { CopyButton } from "../../ui/CopyButton";
import { typeRecipe } from "./recipe";
import { useSetup } from "./store";
import { lineStart } from "./values";

/** The recipe as YAML: what is typed here stands in the form as soon as it can be read. */
export function RecipeYaml({ jump }: { jump: { line: number } | null }) {
  const text = useSetup((state) => state.text);
  const reply = useSetup((state) => state.reply);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const element = area.current;
    if (!jump || !element) return;
    const begin = lineStart(element.value, jump.line);
    const end = element.value.indexOf("\n", begin);
    element.focus();
    element.setSelectionRange(begin, end < 0 ? element.value.length : end);
    element.scrollTop = Math.max(0, (jump.line - 4) * 17);
  }, [jump]);
  const wrong = reply?.problems.some((problem) => problem.severity === "error") ?? false;
  const shown = text || (reply?.text ?? "");
  return (
    <div className="setup-yaml">
      <textarea
        ref={area}
        className="composer-input is-code"
        aria-label="Recipe as YAML"
        aria-invalid={wrong}
        value={shown}
        placeholder={"# What the form says stands here.\n# Choose data to begin."}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => typeRecipe(event.target.value)}
      />
      <span className="setup-copy">
        <CopyButton text={shown} what="the recipe" />
      </span>
    </div>
  );
}
