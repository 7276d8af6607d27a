import { useMemo } from "react";
import { type Field, fieldsOf } from "../../logic/fields";
import { writeFlow } from "../../logic/flow";
import { paramPath, removeValue, setValue } from "../../logic/operations";
import { same, textOf } from "../../logic/values";
import type { ComponentView, NodeView, ParameterView, ProblemView } from "../../payloads";
import { useComposer } from "../../store";
import { Section } from "../../ui/Section";
import { act, change } from "../edits";
import { FormField } from "../form/FormField";
import { ListedChoices } from "../form/ListedChoices";
import { ProblemNote } from "../problems/ProblemNote";

interface Props {
  node: NodeView;
  component: ComponentView;
  problems: ProblemView[];
}

/** The form of a node's parameters, drawn from what its component declares. */
export function Parameters({ node, component, problems }: Props) {
  const fields = useMemo(() => fieldsOf(component.json_schema), [component]);
  const set = component.parameters.filter((parameter) => parameter.name in node.params).length;
  const unknown = Object.keys(node.params).filter((name) => !component.parameters.some((one) => one.name === name));
  if (!component.parameters.length && !unknown.length) return null;
  if (node.weights.rule !== "own") return <Inherited node={node} />;
  return (
    <Section title="Parameters" about={set ? `${set} set` : "all at their defaults"}>
      {component.parameters.map((parameter) => (
        <Parameter
          key={parameter.name}
          node={node}
          parameter={parameter}
          field={fields[parameter.name] ?? { kind: "any" }}
          problems={problems.filter((one) => one.parameter === parameter.name)}
        />
      ))}
      {unknown.map((name) => (
        <Stranger key={name} node={node} name={name} problems={problems.filter((one) => one.parameter === name)} />
      ))}
    </Section>
  );
}

function Parameter({
  node,
  parameter,
  field,
  problems,
}: {
  node: NodeView;
  parameter: ParameterView;
  field: Field;
  problems: ProblemView[];
}) {
  const { name } = parameter;
  const path = paramPath(node.name, name);
  const around = useComposer((state) => (state.view?.scope ? state.view.subgraph_params : null));
  const given = name in node.params;
  const taken = !given && name in node.taken;
  const fallback = parameter.required ? undefined : parameter.default;
  const reset = () => act(`reset ${node.name}.${name}`, removeValue(path));
  const commit = async (value: unknown) => {
    if (!parameter.required && same(value, parameter.default)) {
      return change(`reset ${node.name}.${name}`, removeValue(path));
    }
    return change(`set ${node.name}.${name}`, setValue(path, value));
  };
  return (
    <FormField
      name={name}
      field={field}
      value={given ? node.params[name] : fallback}
      given={given}
      commit={commit}
      reset={reset}
      resetWords={
        parameter.from_wire ? "Take it from the wire again" : `Reset to ${textOf(field, fallback) || "the default"}`
      }
      help={parameter.help}
      placeholder={
        taken ? String(node.taken[name]) : parameter.from_wire ? "from the wire" : parameter.required ? "needed" : ""
      }
      fallback={fallback}
      beside={parameter.listed ? <ListedChoices type={node.type} parameter={name} choose={commit} /> : null}
      also={Object.keys(around ?? {}).map((one) => `$${one}`)}
      mark={
        taken ? (
          <div className="composer-from-wire">from the wire: {writeFlow(node.taken[name])}</div>
        ) : parameter.from_wire && !given ? (
          <div className="composer-soft">taken from the wire into {parameter.from_wire}</div>
        ) : null
      }
      problem={problems.length ? problems.map((problem, at) => <ProblemNote key={at} problem={problem} />) : null}
    />
  );
}

/** A parameter that the component does not have: kept, shown as text, and can be taken out. */
function Stranger({ node, name, problems }: { node: NodeView; name: string; problems: ProblemView[] }) {
  const path = paramPath(node.name, name);
  return (
    <FormField
      name={name}
      field={{ kind: "any" }}
      value={node.params[name]}
      given
      commit={(value) => change(`set ${node.name}.${name}`, setValue(path, value))}
      reset={() => act(`remove ${node.name}.${name}`, removeValue(path))}
      resetWords="Take it out"
      problem={problems.map((problem, at) => <ProblemNote key={at} problem={problem} />)}
    />
  );
}

/** The parameters of a node that has those of another one. */
function Inherited({ node }: { node: NodeView }) {
  const entries = Object.entries({ ...node.inherited, ...node.params });
  return (
    <Section title="Parameters" about={`those of ${node.weights.source}`}>
      <dl className="composer-facts">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="composer-mono">{writeFlow(value)}</dd>
          </div>
        ))}
        {!entries.length && <p className="composer-soft">All at their defaults.</p>}
      </dl>
    </Section>
  );
}
