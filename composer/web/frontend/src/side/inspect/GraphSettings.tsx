import type { Field } from "../../logic/fields";
import { counted } from "../../logic/format";
import { setValue } from "../../logic/operations";
import type { GraphView } from "../../payloads";
import { Section } from "../../ui/Section";
import { change } from "../edits";
import { FormField } from "../form/FormField";

const CLASSES: Field = { kind: "list", item: { kind: "text" }, least: 0, most: null };

/** Name, description and classes of the graph. */
export function GraphSettings({ view }: { view: GraphView }) {
  const classes = view.classes.length ? counted(view.classes.length, "class", "classes") : "";
  return (
    <Section title="Graph" about={classes}>
      <FormField
        name="name"
        field={{ kind: "text" }}
        value={view.name}
        given={false}
        placeholder="untitled"
        commit={(name) => change("rename graph", setValue(["name"], String(name)))}
      />
      <FormField
        name="about"
        field={{ kind: "text" }}
        value={view.about}
        given={false}
        placeholder="What it is, from which paper"
        commit={(about) => change("describe graph", setValue(["about"], String(about)))}
        tall
      />
      <FormField
        name="classes"
        field={CLASSES}
        value={view.classes}
        given={false}
        placeholder="cat, dog"
        tall
        commit={(found) =>
          change("set classes", setValue(["classes"], (Array.isArray(found) ? found : []).map(String)))
        }
        help="What the labels count, in their order, with commas between."
      />
    </Section>
  );
}
