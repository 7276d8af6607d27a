import { commentBox } from "../../logic/operations";
import { useComposer } from "../../store";
import { CommentInspector } from "./CommentInspector";
import { GraphInspector } from "./GraphInspector";
import { InputInspector } from "./InputInspector";
import { ManyInspector } from "./ManyInspector";
import { NodeInspector } from "./NodeInspector";
import { OutputInspector } from "./OutputInspector";
import { WireInspector } from "./WireInspector";

/** All about what is selected; with nothing selected, about the graph. */
export function Inspector() {
  const view = useComposer((state) => state.view);
  const selection = useComposer((state) => state.selection);
  const wireId = useComposer((state) => state.wire);
  const picked = useComposer((state) => state.wires);
  if (!view) return null;
  const wire = view.wires.find((one) => one.id === wireId);
  const nodes = view.nodes.filter((node) => selection.includes(node.name));
  const outputs = view.outputs.filter((one) => selection.includes(one.mode ? `outputs.${one.mode}` : "outputs"));
  const comments = view.comments.filter((one) => selection.includes(commentBox(one.id)));
  const count = nodes.length + outputs.length + comments.length;
  const wires = view.wires.filter((one) => picked.includes(one.id)).length;
  if (wires && count + wires > 1) return <ManyInspector nodes={nodes} count={count} wires={wires} />;
  if (wire) return <WireInspector key={wire.id} wire={wire} />;
  if (count > 1) return <ManyInspector nodes={nodes} count={count} wires={0} />;
  const [node] = nodes;
  const key = [...view.path, selection[0]].join("/");
  if (node)
    return node.role === "input" || node.role === "data_sample" ? (
      <InputInspector key={key} node={node} />
    ) : (
      <NodeInspector key={key} node={node} />
    );
  if (outputs[0]) return <OutputInspector key={key} output={outputs[0]} />;
  if (comments[0]) return <CommentInspector key={key} comment={comments[0]} />;
  return <GraphInspector key={view.path.join("/")} view={view} />;
}
