import type { Field } from "../../logic/fields";
import type { AugmentStep } from "../../payloads";
import { FormField } from "../../side/form/FormField";
import { Select } from "../../ui/Select";
import { editOrTell, editRecipe } from "./recipe";
import { Steps } from "./Steps";
import { isPlain } from "./steps";
import { useSetup } from "./store";
import { at } from "./values";

const ANY: Field = { kind: "any" };

/** The steps that images go through, for each input: those of the graph's task, none, or a list of one's own. */
export function Augmentation({ disabled }: { disabled: boolean }) {
  const { reply, form } = useSetup();
  const own = at(reply?.values, ["augment"]) as Record<string, unknown> | null | undefined;
  const filled = (at(reply?.completed, ["augment"]) ?? own ?? {}) as Record<string, unknown>;
  const given = own !== undefined && own !== null;
  const names = Object.keys({ ...filled, ...own });
  const listOf = (name: string) => own?.[name] ?? filled[name] ?? [];
  const none = names.length > 0 && names.every((name) => Array.isArray(listOf(name)) && !(listOf(name) as []).length);
  const choice = !given ? "usual" : none ? "none" : "own";
  const choose = (next: string) => {
    if (next === "usual") return editOrTell({ path: ["augment"], remove: true });
    return editOrTell({ path: ["augment"], set: Object.fromEntries(names.map((name) => [name, []])) });
  };
  return (
    <div className={`composer-field is-stacked${given ? " is-changed" : ""}`} data-parameter="augmentation">
      <div className="composer-field-head">
        <label htmlFor="setup-augment">augmentation</label>
      </div>
      <div className="composer-field-control">
        <Select id="setup-augment" value={choice} disabled={disabled || !names.length} change={choose}>
          <option value="usual">usual for the task</option>
          <option value="none">none</option>
          {choice === "own" && <option value="own">steps of its own</option>}
        </Select>
      </div>
      <div className="composer-field-notes">
        {names.map((name) => {
          const list = listOf(name);
          const kinds = kindsFor(list, form?.augmentation ?? {}, form?.masks ?? {});
          return (
            <div key={name} className="setup-steps">
              {names.length > 1 && <span className="composer-soft">{name}</span>}
              {kinds ? (
                <Steps input={name} list={list as []} kinds={kinds} given={given} disabled={disabled} />
              ) : (
                <FormField
                  name={name}
                  field={ANY}
                  value={list}
                  given={given}
                  tall
                  commit={(next) => editRecipe({ path: ["augment", name], set: next })}
                  disabled={disabled}
                />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

type Kinds = Record<string, AugmentStep>;

/** The kinds of steps of which a list is; null where it has others too, which are text (`same_as`). */
function kindsFor(list: unknown, images: Kinds, masks: Kinds): Kinds | null {
  if (isPlain(list, images)) return images;
  return isPlain(list, masks) ? masks : null;
}
