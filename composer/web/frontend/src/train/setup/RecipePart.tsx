import { useState } from "react";
import { counted } from "../../logic/format";
import { Button } from "../../ui/Button";
import { Segments } from "../../ui/Segments";
import { ProblemList } from "./Problems";
import { RecipeForm } from "./RecipeForm";
import { RecipeYaml } from "./RecipeYaml";
import { graphFile, saveRecipe, takeTheirs } from "./recipe";
import { useSetup } from "./store";

const SIDES = [
  ["form", "Form"],
  ["yaml", "YAML"],
] as const;

/** How it is trained: a form and the text beside it, each the other's. */
export function RecipePart() {
  const { reply, conflict, refused, version } = useSetup();
  const [line, setLine] = useState<{ line: number } | null>(null);
  const [side, setSide] = useState<"form" | "yaml">("form");
  const name = graphFile().replace(/\.yaml$/, ".recipe.yaml");
  return (
    <div className="setup-recipe">
      <div className="setup-recipe-head">
        <Segments options={SIDES} chosen={side} choose={setSide} className="setup-sides" />
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
          <Button small onClick={() => void takeTheirs()}>
            Take the file
          </Button>
          <Button small onClick={() => void saveRecipe(true)}>
            Keep mine
          </Button>
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
