import { useState } from "react";
import { counted } from "../../logic/format";
import { ProblemList } from "./Problems";
import { RecipeForm } from "./RecipeForm";
import { RecipeYaml } from "./RecipeYaml";
import { graphFile, saveRecipe, takeTheirs } from "./recipe";
import { useSetup } from "./store";

/** How it is trained: a form and the text beside it, each the other's. */
export function RecipePart() {
  const { reply, conflict, refused, version } = useSetup();
  const [line, setLine] = useState<{ line: number } | null>(null);
  const [side, setSide] = useState<"form" | "yaml">("form");
  const name = graphFile().replace(/\.yaml$/, ".recipe.yaml");
  return (
    <div className="setup-recipe">
      <div className="setup-recipe-head">
        <span className="composer-segments setup-sides">
          {(["form", "yaml"] as const).map((one) => (
            <button
              key={one}
              type="button"
              className={one === side ? "is-on" : ""}
              aria-pressed={one === side}
              onClick={() => setSide(one)}
            >
              {one === "form" ? "Form" : "YAML"}
            </button>
          ))}
        </span>
        <span
          className="composer-soft setup-file"
          title={
            version
              ? `${name}, beside the graph`
              : "Save the graph to keep the recipe as a file beside it; until then it is kept in this browser"
          }
        >
          {version ? name : "kept in this browser"}
        </span>
        {reply?.steps != null && <span className="composer-soft">{counted(reply.steps, "step")}</span>}
      </div>
      {conflict && (
        <div className="setup-conflict" role="alert">
          {conflict}
          <button type="button" className="composer-button is-small" onClick={() => void takeTheirs()}>
            Take the file
          </button>
          <button type="button" className="composer-button is-small" onClick={() => void saveRecipe(true)}>
            Keep mine
          </button>
        </div>
      )}
      {refused && (
        <p className="composer-reason" role="alert">
          {refused}
        </p>
      )}
      <ProblemList
        problems={reply?.problems ?? []}
        of="recipe"
        goToLine={(found) => {
          setSide("yaml");
          setLine({ line: found });
        }}
      />
      <div className={`setup-both is-${side}`}>
        <RecipeForm />
        <RecipeYaml jump={line} />
      </div>
    </div>
  );
}
