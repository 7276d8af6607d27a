import { useState } from "react";
import { removeValue, setValue } from "../../logic/operations";
import { readText } from "../../logic/values";
import { IconButton } from "../../ui/Button";
import { Section } from "../../ui/Section";
import { TextInput } from "../../ui/TextInput";
import { act, change } from "../edits";
import { FormField } from "../form/FormField";

/** The parameters of the open subgraph, with their defaults; its nodes refer to them as `$name`. */
export function SubgraphParams({ params }: { params: Record<string, unknown> }) {
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [reason, setReason] = useState<string | null>(null);
  const add = async () => {
    const read = readText({ kind: "any" }, text || "null");
    const why =
      "reason" in read
        ? read.reason
        : await change(`add parameter ${name}`, setValue(["params", name.trim()], read.value));
    setReason(why);
    if (why) return;
    setName("");
    setText("");
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
          commit={(next) => change(`set parameter ${key}`, setValue(["params", key], next))}
          reset={() => act(`remove parameter ${key}`, removeValue(["params", key]))}
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
        <TextInput placeholder="name" aria-label="Name of the new parameter" value={name} change={setName} />
        <TextInput code placeholder="default" aria-label="Default of the new parameter" value={text} change={setText} />
        <IconButton
          look="plain"
          icon="plus"
          label="Add the parameter"
          type="submit"
          title="Add"
          disabled={!name.trim()}
        />
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
