import { useEffect, useId, useState } from "react";
import { type Field, fieldOf } from "../../logic/fields";
import { isOfPolicy } from "../../logic/problems";
import type { NodeView } from "../../payloads";
import { FormField } from "../../side/form/FormField";
import { TextLine } from "../../side/form/TextLine";
import { useComposer } from "../../store";
import { Section } from "../../ui/Section";
import { Select } from "../../ui/Select";
import { useFinding } from "./CheckMark";
import { stepWords } from "./CheckPart";
import { ProblemList } from "./Problems";
import { editOrTell, editRecipe, wake } from "./recipe";
import { useSetup } from "./store";
import { at } from "./values";

/** How the weights of a node are trained, in the inspector: what is said here stands in the recipe's `policy`. */
export function Policy({ node }: { node: NodeView }) {
  const scope = useComposer((state) => state.path);
  const path = [...scope, node.name].join(".");
  const own = useSetup((state) => at(state.reply?.values, ["policy", path])) as Record<string, unknown> | undefined;
  const count = Object.keys(own ?? {}).length;
  const trained = node.weights.rule === "own" && !node.frozen && (node.role === "subgraph" || !!node.parameters);
  if (!trained && !count) return null;
  return (
    <Section title="Training" about={count ? `${count} set` : "as the recipe says"} shut>
      <Keys path={path} own={own ?? {}} />
    </Section>
  );
}

function Keys({ path, own }: { path: string; own: Record<string, unknown> }) {
  const { form, reply, refused } = useSetup();
  const found = useFinding(path);
  useEffect(() => void wake(), []);
  if (!form) return <p className="setup-hint">{refused || "Reading the recipe"}</p>;
  const problems = (reply?.problems ?? []).filter((one) => isOfPolicy(one, path));
  return (
    <>
      {form.policy.map((field) => {
        const [key = ""] = field.path;
        const outer = inherited(reply?.values, path, key);
        const place = ["policy", path, key];
        if (key === "freeze") return <Freeze key={key} path={path} value={own.freeze} outer={outer} />;
        return (
          <FormField
            key={key}
            name={field.label}
            field={fieldOf(field.json_schema)}
            value={own[key]}
            given={own[key] !== undefined}
            commit={(value) => editRecipe({ path: place, set: value })}
            reset={() => void editOrTell({ path: place, remove: true })}
            resetWords="Take it out of the recipe"
            placeholder={outer ? `${outer.value}, by ${outer.from}` : key === "layer_decay" ? "none" : "1"}
            help={field.help}
            disabled={reply?.values === null}
          />
        );
      })}
      <ProblemList problems={problems} of="recipe" />
      {found && (
        <p className={`setup-proof is-${found.state}`}>
          After one step: {stepWords(found)}
          {found.norm !== null && `; gradient ${found.norm.toPrecision(3)}`}
        </p>
      )}
    </>
  );
}

/** What an outer path says of a key: an inner one overrides it. */
export function inherited(
  values: Record<string, unknown> | null | undefined,
  path: string,
  key: string,
): { value: unknown; from: string } | null {
  const parts = path.split(".");
  for (let depth = parts.length - 1; depth > 0; depth -= 1) {
    const from = parts.slice(0, depth).join(".");
    const value = at(values, ["policy", from, key]);
    if (value !== undefined && value !== null) return { value, from };
  }
  return null;
}

const STRETCH: Field = { kind: "text" };

function Freeze({ path, value, outer }: { path: string; value: unknown; outer: ReturnType<typeof inherited> }) {
  const id = useId();
  const place = ["policy", path, "freeze"];
  const until = at(value as Record<string, unknown> | undefined, ["until"]);
  const now = value === true ? "always" : until !== undefined ? "until" : value === false ? "never" : "";
  const [refused, setRefused] = useState<string | null>(null);
  const choose = async (next: string) => {
    const set = { always: true, never: false, until: { until: "10%" } }[next];
    setRefused(await editRecipe(set === undefined ? { path: place, remove: true } : { path: place, set }));
  };
  return (
    <div className={`composer-field${now ? " is-changed" : ""}`} data-parameter="freeze">
      <div className="composer-field-head">
        <label htmlFor={id}>frozen in training</label>
      </div>
      <div className="composer-field-control">
        <Select id={id} value={now} change={(value) => void choose(value)}>
          <option value="">{outer ? `as ${outer.from}` : "no"}</option>
          <option value="always">always</option>
          <option value="until">until ...</option>
          {outer && <option value="never">no, unlike {outer.from}</option>}
        </Select>
      </div>
      <div className="composer-field-notes">
        {now === "until" && (
          <TextLine
            label="it begins to train after"
            value={String(until)}
            field={STRETCH}
            commit={(next) => editRecipe({ path: place, set: { until: next } })}
          />
        )}
        {refused && <div className="composer-reason">{refused}</div>}
      </div>
    </div>
  );
}
