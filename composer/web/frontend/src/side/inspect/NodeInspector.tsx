import { setValue } from "../../logic/operations";
import type { ComponentView, NodeView, ProblemView } from "../../payloads";
import { useComposer } from "../../store";
import { Policy } from "../../train/setup/Policy";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { NodeValues } from "../../values/NodeValues";
import { act } from "../edits";
import { ProblemNote } from "../problems/ProblemNote";
import { Documentation, Source } from "./Documentation";
import { Figures } from "./Figures";
import { Heading } from "./Heading";
import { Parameters } from "./Parameters";
import { Placeholder } from "./Placeholder";
import { Inputs, Outputs } from "./Ports";
import { Weights } from "./Weights";

/** All about one node. */
export function NodeInspector({ node }: { node: NodeView }) {
  const catalog = useComposer((state) => state.catalog);
  const view = useComposer((state) => state.view);
  const problems = (view?.problems ?? []).filter(
    (one) => one.node === node.name && one.path.join() === view?.path.join(),
  );
  const parts = node.role === "subgraph" ? view?.subgraphs : catalog?.components;
  const component = parts?.find((one) => one.type === node.type);
  const inForm = (problem: ProblemView) =>
    !!component && !!problem.parameter && shown(node, component, problem.parameter);
  const above = problems.filter((problem) => !inForm(problem));
  return (
    <>
      <Heading
        name={node.name}
        type={node.type}
        about={component?.summary}
        kind={node.role === "subgraph" ? "subgraph" : node.kind}
      >
        {node.role === "subgraph" && (
          <Button look="main" small onClick={() => void useComposer.getState().enter(node.name)}>
            <Icon name="enter" /> Enter
          </Button>
        )}
      </Heading>
      {node.bypassed && (
        <p className="composer-caution">
          Bypassed: its wires lead past it.{" "}
          <Button look="link" onClick={() => act("wire again", setValue(["nodes", node.name, "bypassed"], false))}>
            Wire it again
          </Button>
        </p>
      )}
      {above.map((problem, at) => (
        <ProblemNote key={at} problem={problem} />
      ))}
      <NodeValues name={node.name} />
      {component ? <Parameters node={node} component={component} problems={problems} /> : <Placeholder node={node} />}
      <Inputs node={node} />
      <Outputs node={node} />
      {(component || node.weights.rule !== "own") && <Weights node={node} />}
      <Policy node={node} />
      <Figures node={node} />
      {component && <Documentation doc={component.doc} />}
      {component && node.role === "node" && <Source type={node.type} />}
    </>
  );
}

const shown = (node: NodeView, component: ComponentView, parameter: string): boolean =>
  node.weights.rule === "own" &&
  (parameter in node.params || component.parameters.some((one) => one.name === parameter));
