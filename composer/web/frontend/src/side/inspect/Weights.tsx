import { useState } from "react";
import type { Field } from "../../logic/fields";
import { setValue } from "../../logic/operations";
import type { NodeView, SetWeights } from "../../payloads";
import { useComposer } from "../../store";
import { Button } from "../../ui/Button";
import { Section } from "../../ui/Section";
import { Toggle } from "../../ui/Toggle";
import { act, changeBy } from "../edits";
import { FormField } from "../form/FormField";

const RULES = [
  { rule: "own", words: "Own", about: "It has weights of its own." },
  { rule: "share", words: "Shared", about: "It calls the module of another node again." },
  { rule: "momentum", words: "Momentum", about: "It is a slowly moving copy of another node, without gradient." },
] as const;
const SHARE: Field = { kind: "number", least: 0, most: 1 };
const END: Field = { kind: "union", options: [{ kind: "none" }, SHARE] };
const UPDATE: Field = { kind: "choice", options: ["before", "after"] };

/** Where a node's weights come from, and whether they learn. */
export function Weights({ node }: { node: NodeView }) {
  const [reason, setReason] = useState<string | null>(null);
  const sources =
    useComposer((state) => state.view?.nodes)?.filter(
      (other) => other.name !== node.name && other.type === node.type && other.role === node.role,
    ) ?? [];
  const { rule, source, decay, end_decay, update } = node.weights;
  const put = async (part: Partial<SetWeights> & { rule: SetWeights["rule"] }) => {
    const why = await changeBy(`weights of ${node.name}`, (view) => {
      const { source, ...now } = view?.nodes.find((one) => one.name === node.name)?.weights ?? node.weights;
      const old =
        now.rule === "momentum" && part.rule === "momentum"
          ? { ...now, update: now.update as SetWeights["update"] }
          : {};
      return [{ op: "set-weights", node: node.name, source, ...old, ...part }];
    });
    setReason(why);
    return why;
  };
  const choose = (next: (typeof RULES)[number]["rule"]) => {
    if (next === rule) return;
    const first = source ?? sources.find((other) => other.weights.rule === "own")?.name ?? sources[0]?.name ?? null;
    void put({ rule: next, source: next === "own" ? null : first });
  };
  return (
    <Section title="Weights" about={rule === "own" ? (node.frozen ? "own, frozen" : "own") : `${rule}: ${source}`}>
      <div className="composer-segments is-full" role="radiogroup" aria-label="Weights rule">
        {RULES.map((one) => (
          <Button
            key={one.rule}
            look="bare"
            role="radio"
            aria-checked={rule === one.rule}
            className={rule === one.rule ? "is-on" : ""}
            disabled={one.rule !== "own" && !sources.length}
            title={sources.length || one.rule === "own" ? one.about : `There is no other ${node.type} here`}
            onClick={() => choose(one.rule)}
          >
            {one.words}
          </Button>
        ))}
      </div>
      <p className="composer-soft">{RULES.find((one) => one.rule === rule)?.about}</p>
      {rule !== "own" && (
        <FormField
          name="source"
          field={{ kind: "choice", options: sources.map((other) => other.name) }}
          value={source ?? undefined}
          given={false}
          commit={(value) => put({ rule, source: String(value) })}
          help="The node whose weights they are."
        />
      )}
      {rule === "momentum" && (
        <>
          <FormField
            name="decay"
            field={SHARE}
            value={decay ?? undefined}
            given={false}
            commit={(value) => put({ rule, decay: Number(value) })}
            help="Share of the old weights that stays at each update."
          />
          <FormField
            name="end_decay"
            field={END}
            value={end_decay}
            given={false}
            fallback={1}
            commit={(value) => put({ rule, end_decay: value === null ? null : Number(value) })}
            help="Where decay goes by a cosine in the course of training."
          />
          <FormField
            name="update"
            field={UPDATE}
            value={update ?? "before"}
            given={false}
            commit={(value) => put({ rule, update: value as "before" })}
            help="Whether it moves before or after the loss of a step."
          />
        </>
      )}
      {reason && (
        <p className="composer-reason" role="alert">
          {reason}
        </p>
      )}
      <label className="composer-check">
        <Toggle
          checked={node.frozen}
          change={(frozen) =>
            act(`${frozen ? "freeze" : "unfreeze"} ${node.name}`, setValue(["nodes", node.name, "frozen"], frozen))
          }
        />
        Frozen
        <span className="composer-soft">its weights and statistics stay</span>
      </label>
    </Section>
  );
}
