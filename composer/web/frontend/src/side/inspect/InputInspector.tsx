import type { Field } from "../../logic/fields";
import { setValue } from "../../logic/operations";
import type { NodeView } from "../../payloads";
import { useComposer } from "../../store";
import { Section } from "../../ui/Section";
import { NodeValues } from "../../values/NodeValues";
import { changeBy } from "../edits";
import { FormField } from "../form/FormField";
import { ProblemNote } from "../problems/ProblemNote";
import { Heading } from "./Heading";
import { Outputs } from "./Ports";
import { Preprocess } from "./Preprocess";

type Steps = NodeView["preprocess"];
type Declared = { section?: "inputs" | "data_samples"; type?: string; shape?: unknown; preprocess?: unknown };

const SHAPE: Field = { kind: "list", item: { kind: "text" }, least: 0, most: null };
const SECTION: Field = { kind: "choice", options: ["input", "data sample"] };

/** An input of the graph, or a field of its data samples. */
export function InputInspector({ node }: { node: NodeView }) {
  const types = useComposer((state) => state.catalog?.port_types) ?? [];
  const view = useComposer((state) => state.view);
  const problems = (view?.problems ?? []).filter(
    (one) => one.node === node.name && one.path.join() === view?.path.join(),
  );
  const put = (part: Declared | ((steps: Steps) => Declared)) => {
    return changeBy(`set ${node.name}`, (view) => {
      const { name, type, shape, preprocess, role } = view?.nodes.find((one) => one.name === node.name) ?? node;
      const { section = role === "data_sample" ? "data_samples" : "inputs", ...changed } =
        typeof part === "function" ? part(preprocess) : part;
      return [setValue([section, name], { type, shape, preprocess, ...changed })];
    });
  };
  return (
    <>
      <Heading name={node.name} type={node.type} kind={node.role === "data_sample" ? "data sample" : "input"} />
      {problems.map((problem, at) => (
        <ProblemNote key={at} problem={problem} />
      ))}
      <Section title="Declaration">
        <FormField
          name="type"
          field={{ kind: "choice", options: types.map((type) => type.name) }}
          value={node.type}
          given={false}
          commit={(type) => put({ type: String(type) })}
          help="What it carries."
        />
        <FormField
          name="shape"
          field={SHAPE}
          value={node.shape ?? undefined}
          given={node.shape !== null}
          placeholder="B, 3, 224, 224"
          commit={(value) => put({ shape: shapeOf(value) })}
          reset={() => void put({ shape: null })}
          resetWords="Take the shape away"
          help="Sizes from the batch on; a name such as B stands for a size that is free."
        />
        {!view?.scope && (
          <FormField
            name="belongs to"
            field={SECTION}
            value={node.role === "data_sample" ? "data sample" : "input"}
            given={false}
            commit={(value) =>
              put({
                section: value === "input" ? "inputs" : "data_samples",
                preprocess: value === "input" ? node.preprocess : null,
              })
            }
            help="Inputs are what a model is called with; data samples hold the ground truth that loss mode needs."
          />
        )}
      </Section>
      {types.find((type) => type.name === node.type)?.image && node.role === "input" && !view?.scope && (
        <Preprocess value={node.preprocess} put={(next) => put((steps) => ({ preprocess: next(steps) }))} />
      )}
      <NodeValues name={node.name} />
      <Outputs node={node} />
    </>
  );
}

const shapeOf = (value: unknown): (number | string)[] | null =>
  Array.isArray(value) && value.length ? (value as (number | string)[]) : null;
