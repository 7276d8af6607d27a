import { useMemo } from "react";
import { type Field, fieldOf } from "../../logic/fields";
import { isWithin } from "../../logic/problems";
import { textOf } from "../../logic/values";
import type { RecipeField } from "../../payloads";
import { FormField } from "../../side/form/FormField";
import { Section } from "../../ui/Section";
import { Augmentation } from "./Augmentation";
import { editOrTell, editRecipe } from "./recipe";
import { useSetup } from "./store";
import { at, shownOf } from "./values";

/** The recipe as a form: what is changed often first, the rest folded. */
export function RecipeForm() {
  const { form, reply } = useSetup();
  if (!form) return <div className="setup-form setup-scroll" aria-busy="true" />;
  const [often, ...groups] = form.groups;
  const broken = reply !== null && reply.values === null;
  return (
    <div className="setup-form setup-scroll">
      {broken && <p className="setup-hint">The YAML cannot be read: mend it there first.</p>}
      {!reply?.has_data && (
        <p className="setup-hint">What you leave alone is filled in by the graph and the data, once there is data.</p>
      )}
      {often?.fields.map((field) => (
        <Entry key={field.path.join(".")} field={field} disabled={broken} />
      ))}
      <Augmentation disabled={broken} />
      {groups.map((group) => {
        const changed = group.fields.filter((field) => isGiven(field, reply)).length;
        return (
          <Section key={group.title} title={group.title} about={changed ? `${changed} changed` : group.about} shut>
            {group.fields.map((field) => (
              <Entry key={field.path.join(".")} field={field} disabled={broken} />
            ))}
          </Section>
        );
      })}
    </div>
  );
}

type Reply = ReturnType<typeof useSetup.getState>["reply"];

const isGiven = (field: RecipeField, reply: Reply): boolean =>
  shownOf(field.path, reply?.values, reply?.completed, reply?.defaults).given;

function Entry({ field, disabled }: { field: RecipeField; disabled: boolean }) {
  const reply = useSetup((state) => state.reply);
  const kind = useMemo(() => fieldOf(field.json_schema), [field]);
  const { value, fallback, given } = shownOf(field.path, reply?.values, reply?.completed, reply?.defaults);
  const problem = reply?.problems.find((one) => one.severity === "error" && isWithin(one, field.path));
  const empty = value === undefined || value === null;
  return (
    <FormField
      name={field.label}
      field={kind}
      value={empty ? undefined : value}
      given={given}
      commit={(next) => editRecipe({ path: field.path, set: next })}
      reset={() => void reset(field, fallback)}
      resetWords={fallback == null ? "Take it out of the recipe" : `Back to ${textOf(kind, fallback)}`}
      help={field.help}
      placeholder={placeholder(field, reply)}
      disabled={disabled}
      problem={problem && <div className="composer-reason">{problem.message}</div>}
    />
  );
}

/** A key of a part that is filled in whole gets its usual value; any other one is taken out. */
async function reset(field: RecipeField, fallback: unknown): Promise<void> {
  const [part] = field.path;
  const whole = part === "optimizer" || part === "schedule";
  if (whole && field.path.length > 1 && fallback != null) await editOrTell({ path: field.path, set: fallback });
  else await editOrTell({ path: field.path, remove: true });
}

function placeholder(field: RecipeField, reply: Reply): string {
  const key = field.path.join(".");
  if (key === "steps") return at(reply?.completed, ["epochs"]) ? "by epochs" : "";
  if (key === "epochs" && at(reply?.values, ["steps"])) return "by steps";
  if (key === "ema.decay") return "no average";
  if (key.startsWith("mix.")) return "not mixed";
  if (key === "batches.workers") return "one a core";
  if (key.startsWith("clip.")) return "not clipped";
  if (key === "weights") return "fresh";
  const byData = ["epochs", "optimizer.type", "optimizer.lr", "schedule.type", "schedule.warmup", "channels_last"];
  return byData.includes(key) && !reply?.completed ? "from data" : "";
}

export type { Field };
