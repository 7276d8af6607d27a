import { centre } from "../../goTo";
import { exact, magnitude } from "../../logic/format";
import { MODES } from "../../logic/operations";
import type { GraphView, NodeView } from "../../payloads";
import { useComposer } from "../../store";
import { Button, IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Section } from "../../ui/Section";
import { act, change } from "../edits";
import { Facts } from "./Figures";
import { GraphSettings } from "./GraphSettings";
import { OutputList } from "./OutputList";
import { SubgraphList, SubgraphName } from "./SubgraphList";
import { SubgraphParams } from "./SubgraphParams";

/** The graph as a whole, or the subgraph that is open: shown while nothing is selected. */
export function GraphInspector({ view }: { view: GraphView }) {
  const inputs = view.nodes.filter((node) => node.role === "input");
  const samples = view.nodes.filter((node) => node.role === "data_sample");
  return (
    <>
      {view.scope ? (
        <div className="composer-heading">
          <div className="composer-heading-row">
            <SubgraphName name={view.scope} />
          </div>
          <p className="composer-soft">
            Subgraph. What is changed here holds for every call of it; sizes are those of the call {view.path.at(-1)}.
          </p>
        </div>
      ) : (
        <GraphSettings view={view} />
      )}
      {view.scope && <SubgraphParams params={view.subgraph_params} />}
      <Fields title="Inputs" section="inputs" fields={inputs} />
      {!view.scope && <Fields title="Data samples" section="data_samples" fields={samples} />}
      {view.scope ? (
        <Section title="Outputs">
          <OutputList mode={null} output={view.outputs[0]} />
        </Section>
      ) : (
        MODES.map((mode) => (
          <Section key={mode} title={`Outputs of ${mode} mode`} about={needs(view, mode)}>
            <OutputList mode={mode} output={view.outputs.find((one) => one.mode === mode)} />
          </Section>
        ))
      )}
      {!view.scope && <SubgraphList subgraphs={view.subgraphs} />}
      {!view.scope && <Totals view={view} />}
    </>
  );
}

function needs(view: GraphView, mode: string): string {
  const found = view.modes.find((one) => one.mode === mode);
  return found ? `needs ${[...found.inputs, ...found.data_samples].join(", ") || "no input"}` : "none";
}

function Totals({ view }: { view: GraphView }) {
  const flops = view.modes.flatMap((mode): [string, string, string][] =>
    mode.flops === null
      ? []
      : [
          [
            `FLOPs, ${mode.mode}`,
            magnitude(mode.flops),
            `${exact(mode.flops)} floating-point operations for one sample`,
          ],
        ],
  );
  return (
    <Section title="Totals">
      <Facts rows={[["Parameters", magnitude(view.parameters), `${exact(view.parameters)} parameters`], ...flops]} />
      {!view.sizes_known && <p className="composer-soft">Sizes are not known yet.</p>}
    </Section>
  );
}

function Fields({ title, section, fields }: { title: string; section: "inputs" | "data_samples"; fields: NodeView[] }) {
  const add = () =>
    change(section === "inputs" ? "add input" : "add data sample", { op: "add-input", section }).then(
      (reason) => reason && useComposer.getState().notify("error", reason),
    );
  return (
    <Section title={title}>
      <ul className="composer-list">
        {fields.map((field) => (
          <li key={field.name}>
            <span
              className="composer-port-dot"
              style={{ background: `var(--port-${field.outputs[0]?.colour || "any"})` }}
            />
            <Button look="link" title={`Show ${field.name}`} onClick={() => centre(field.name)}>
              {field.name}
            </Button>
            <span className="composer-soft">{field.type}</span>
            <span className="composer-size composer-mono composer-soft">{field.shape?.join(" ")}</span>
            <IconButton
              icon="remove"
              label={`Remove ${field.name}`}
              small
              title="Remove"
              onClick={() => act(`remove ${field.name}`, { op: "remove-input", name: field.name })}
            />
          </li>
        ))}
      </ul>
      <Button small onClick={() => void add()}>
        <Icon name="plus" /> {section === "inputs" ? "Add an input" : "Add a data sample"}
      </Button>
    </Section>
  );
}
