import { useState } from "react";
import { readText } from "../../logic/values";
import { Icon } from "../../ui/Icon";
import { Section } from "../../ui/Section";
import { act, change } from "../edits";
import { FormField } from "../form/FormField";

/** The parameters of the open subgraph, with their defaults; its nodes refer to them as `$name`. */
export function SubgraphParams({ params }: { params: Record<string, unknown> }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [reason, setReason] = useState<string | null>(null);
  const add = async () => {
    const read = readText({ kind: "any" }, value || "null");
    const why =
      "reason" in read
        ? read.reason
        : await change(`add parameter ${name}`, { op: "set-subgraph-param", name: name.trim(), value: read.value });
    setReason(why);
    if (why) return;
    setName("");
    setValue("");
  };
  return (
    <Section title="Parameters of the subgraph">
      {Object.entries(params).map(([key, held]) => (
        <FormField
          key={key}
          name={key}
          field={{ kind: "any" }}
          value={held}
          given
          commit={(next) => change(`set parameter ${key}`, { op: "set-subgraph-param", name: key, value: next })}
          reset={() => act(`remove parameter ${key}`, { op: "set-subgraph-param", name: key, remove: true })}
          resetWords="Remove it; its default takes its place"
        />
      ))}
      <form
        className="composer-heading-row"
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <input
          className="composer-input"
          placeholder="name"
          aria-label="Name of the new parameter"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <input
          className="composer-input is-code"
          placeholder="default"
          aria-label="Default of the new parameter"
          value={value}
          onChange={(event) => setValue(event.target.value)}
        />
        <button
          type="submit"
          className="composer-button is-icon"
          aria-label="Add the parameter"
          title="Add"
          disabled={!name.trim()}
        >
          <Icon name="plus" />
        </button>
      </form>
      {reason && (
        <p className="composer-reason" role="alert">
          {reason}
        </p>
      )}
      <p className="composer-soft">Nodes inside use one as $name.</p>
    </Section>
  );
}
