/* Generated from composer/web/payloads.py by make web: do not edit. */

export interface Payloads {
  [k: string]: unknown;
}
/**
 * Add an input (of ``inputs``, or a field of ``data_samples``); without a type an image, or a label.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "AddInput".
 */
export interface AddInput {
  op: "add-input";
  section?: "inputs" | "data_samples";
  type?: string;
  name?: string | null;
  shape?: (number | string)[] | null;
  position?: [number, number] | null;
  target?: Target | null;
}
/**
 * An input port of a node.
 *
 * Args:
 *     node: Its id.
 *     port: The port; left out, the one that fits (of an output: a new one).
 *     at: Which of its wires, for a port that takes many; None for all, or to add one at the end.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Target".
 */
export interface Target {
  node: string;
  port?: string;
  at?: number | null;
}
/**
 * Add a node that calls a component or a subgraph; the id is made of the type where none is given.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "AddNode".
 */
export interface AddNode {
  op: "add-node";
  type?: string | null;
  graph?: string | null;
  id?: string | null;
  params?: {
    [k: string]: unknown;
  };
  position?: [number, number] | null;
  source?: string | null;
  target?: Target | null;
}
/**
 * The upper left corners of the boxes that had no place.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ArrangeReply".
 */
export interface ArrangeReply {
  places: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [number, number];
  };
}
/**
 * Find places for boxes.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ArrangeRequest".
 */
export interface ArrangeRequest {
  boxes: BoxToPlace[];
  wires: WireToPlace[];
}
/**
 * A box of the canvas.
 *
 * Args:
 *     id: Its name.
 *     width: In pixels.
 *     height: In pixels.
 *     place: Its upper left corner; None where it is to be found.
 *     last: Whether it holds outputs.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "BoxToPlace".
 */
export interface BoxToPlace {
  id: string;
  width: number;
  height: number;
  place?: [number, number] | null;
  last?: boolean;
}
/**
 * A wire between two boxes, and how far below their upper edges it leaves and enters.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "WireToPlace".
 */
export interface WireToPlace {
  source: string;
  target: string;
  out_y: number;
  in_y: number;
}
/**
 * Where a wire goes that is dropped on a box.
 *
 * Args:
 *     ends: The end that fits; several where they fit equally, so that a person chooses.
 *     reason: Why there is none.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "BoxFit".
 */
export interface BoxFit {
  node: string;
  ends: string[];
  reason: string | null;
}
/**
 * All that can be put on the canvas.
 *
 * Args:
 *     revision: Changes when a component's file does.
 *     components: By kind, then by name.
 *     kinds: The kinds of the components, by name.
 *     port_types: The port types, by name.
 *     watched: Whether files of it may change while the server runs.
 *     problems: Files of components that could not be read.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "CatalogView".
 */
export interface CatalogView {
  revision: string;
  watched: boolean;
  components: ComponentView[];
  kinds: KindView[];
  port_types: TypeView[];
  problems: ProblemView[];
}
/**
 * A component of the palette.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ComponentView".
 */
export interface ComponentView {
  type: string;
  kind: string;
  summary: string;
  doc: string;
  keywords: string[];
  inputs: PortView[];
  outputs: PortView[];
  parameters: ParameterView[];
  json_schema: {
    [k: string]: unknown;
  };
}
/**
 * A port of a component, or of a node with what flows there.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "PortView".
 */
export interface PortView {
  name: string;
  type: string;
  axes: string | null;
  optional: boolean;
  variadic: boolean;
  sequence: boolean;
  colour: string;
  size: string | null;
  levels: string[] | null;
}
/**
 * A parameter in the form: its JSON schema is in the component's.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ParameterView".
 */
export interface ParameterView {
  name: string;
  type: string;
  help: string;
  required: boolean;
  default: unknown;
  from_wire: string | null;
}
/**
 * A kind of components.
 *
 * Args:
 *     colour: ``#rrggbb`` on a light ground.
 *     dark: The same on a dark ground.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "KindView".
 */
export interface KindView {
  name: string;
  title: string;
  colour: string;
  dark: string;
}
/**
 * A port type, for inputs.
 *
 * Args:
 *     colour: Name of its colour family.
 *     section: Where an input of it mostly belongs.
 *     keywords: What people type to find it, best first.
 *     offered: Whether it is among the few that are offered first.
 *     image: Whether it is made of an image, by steps that an input declares.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TypeView".
 */
export interface TypeView {
  name: string;
  colour: string;
  section: "inputs" | "data_samples";
  keywords: string[];
  offered: boolean;
  image: boolean;
}
/**
 * One thing wrong with a graph.
 *
 * Args:
 *     path: The calls to enter to see it, outermost first; empty at the top.
 *     node: The node or input that it is about, in that scope.
 *     source: The reference that it is about, of a wire.
 *     line: Line in the canonical YAML, counted from 1.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ProblemView".
 */
export interface ProblemView {
  code: string;
  severity: "error" | "warning" | "notice";
  subject: string;
  message: string;
  path: string[];
  node: string | null;
  port: string | null;
  parameter: string | null;
  mode: string | null;
  source: string | null;
  line: number | null;
  fix: FixView | null;
}
/**
 * A repair that can be applied.
 *
 * Args:
 *     changes: What becomes different from what is written; empty where the repair says the same rightly.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FixView".
 */
export interface FixView {
  message: string;
  edits: EditStep[];
  changes: string;
}
/**
 * One value of the document: set, or taken out.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "EditStep".
 */
export interface EditStep {
  path: string[];
  set?: unknown;
  remove?: boolean;
}
/**
 * Add a comment to the canvas, or change one.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Comment".
 */
export interface Comment {
  op: "comment";
  id?: string | null;
  text?: string;
  /**
   * @minItems 4
   * @maxItems 4
   */
  box: [number, number, number, number];
  colour?: "grey" | "blue" | "green" | "yellow" | "red";
}
/**
 * A comment on the canvas.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "CommentView".
 */
export interface CommentView {
  id: string;
  text: string;
  /**
   * @minItems 4
   * @maxItems 4
   */
  box: [number, number, number, number];
  colour: string;
}
/**
 * Wire a source to a port; a port that takes one wire loses the one it has, in these modes (None: in all).
 *
 * Of a node alone (``neck``) the port is taken that fits; where several fit equally, one must be named.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Connect".
 */
export interface Connect {
  op: "connect";
  source: string;
  target: Target;
  modes?: ("tensor" | "loss" | "predict")[] | null;
}
/**
 * What was copied, as text for the clipboard.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "CopyReply".
 */
export interface CopyReply {
  fragment: string;
}
/**
 * Copy nodes.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "CopyRequest".
 */
export interface CopyRequest {
  document: string;
  path?: string[];
  names: string[];
}
/**
 * Where it went.
 *
 * Args:
 *     token: What ``RestoreFileRequest`` takes.
 *     folder: The folder that it lies in now.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "DeleteFileReply".
 */
export interface DeleteFileReply {
  token: string;
  folder: string;
}
/**
 * Move a file of the workspace to the trash.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "DeleteFileRequest".
 */
export interface DeleteFileRequest {
  name: string;
}
/**
 * Remove a port's wire, in these modes (None: in all).
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Disconnect".
 */
export interface Disconnect {
  op: "disconnect";
  target: Target;
  modes?: ("tensor" | "loss" | "predict")[] | null;
}
/**
 * A wire that a part is put into (``source`` to ``node.port``), or a node whose place it takes.
 *
 * Args:
 *     reason: Why it is not; None where it is.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Drop".
 */
export interface Drop {
  source: string;
  node: string;
  port: string;
  reason: string | null;
}
/**
 * Every wire and every node of the open scope.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "DropsReply".
 */
export interface DropsReply {
  wires: Drop[];
  boxes: Drop[];
}
/**
 * Where a part may be dropped: a component, a subgraph, or a node that has no wires yet.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "DropsRequest".
 */
export interface DropsRequest {
  document: string;
  path?: string[];
  type?: string | null;
  graph?: string | null;
  node?: string | null;
}
/**
 * Copy nodes beside themselves; wires among them are copied, wires from others stay.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Duplicate".
 */
export interface Duplicate {
  op: "duplicate";
  names: string[];
  /**
   * @minItems 2
   * @maxItems 2
   */
  offset?: [number, number];
}
/**
 * The changed document.
 *
 * Args:
 *     view: What to draw; None where it was not asked for.
 *     created: Names that the operations made, in order.
 *     notes: What the operations could not keep, in words.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "EditReply".
 */
export interface EditReply {
  document: string;
  view: GraphView | null;
  created: string[];
  renamed: {
    [k: string]: string;
  };
  notes: string[];
}
/**
 * The open scope of a graph, as it is drawn, and what is wrong with the whole graph.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "GraphView".
 */
export interface GraphView {
  name: string;
  about: string;
  classes: string[];
  path: string[];
  scope: string | null;
  subgraphs: ComponentView[];
  subgraph_params: {
    [k: string]: unknown;
  };
  nodes: NodeView[];
  wires: WireView[];
  outputs: OutputView[];
  modes: ModeView[];
  comments: CommentView[];
  problems: ProblemView[];
  parameters: number;
  sizes_known: boolean;
}
/**
 * A box: an input, a field of the data samples, or a node.
 *
 * Args:
 *     name: Its id.
 *     role: What it is.
 *     type: Type name of the component, name of the subgraph, or port type of an input.
 *     params: Its parameters as the graph has them.
 *     taken: Parameters that its wires tell, and their values.
 *     inherited: For shared and momentum nodes: the parameters of the source.
 *     parameters: How many numbers its own weights hold.
 *     flops: Of one sample, in the mode that costs most.
 *     activation: Bytes of what it puts out for one sample (float32).
 *     modes: The modes that run it.
 *     state: ``placeholder``: its type is not in the catalog; ``error`` and ``warning``: a problem is about it;
 *         ``unwired``: nobody has wired it yet.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "NodeView".
 */
export interface NodeView {
  name: string;
  role: "input" | "data_sample" | "node" | "subgraph";
  type: string;
  kind: string;
  position: [number, number] | null;
  inputs: PortView[];
  outputs: PortView[];
  params: {
    [k: string]: unknown;
  };
  taken: {
    [k: string]: unknown;
  };
  inherited: {
    [k: string]: unknown;
  } | null;
  shape: (number | string)[] | null;
  preprocess: {
    [k: string]: unknown;
  } | null;
  weights: WeightsView;
  frozen: boolean;
  parameters: number | null;
  trainable: number | null;
  flops: number | null;
  activation: number | null;
  modes: ("tensor" | "loss" | "predict")[];
  state: "ok" | "warning" | "error" | "placeholder" | "unwired";
  problems: number;
  bypassed: boolean;
}
/**
 * Where a node's weights come from.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "WeightsView".
 */
export interface WeightsView {
  rule: "own" | "share" | "momentum";
  source: string | null;
  decay: number | null;
  update: string | null;
  end_decay: number | null;
}
/**
 * A wire.
 *
 * Args:
 *     id: Stable while both ends stay.
 *     source: The reference, ``backbone.out[-1]``.
 *     from_node: Its source's id.
 *     from_port: The port it leaves, None for an input.
 *     index: The level it takes, of a sequence.
 *     node: The id it goes to; ``outputs.loss`` (``outputs`` in a subgraph) for an output.
 *     port: The port, or the name of the output.
 *     at: Which of the port's wires, where it takes many.
 *     modes: The modes it is drawn for; None where it is the same in all.
 *     runs: The modes that run it.
 *     size: What it carries.
 *     problem: Whether a problem is about it.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "WireView".
 */
export interface WireView {
  id: string;
  source: string;
  from_node: string;
  from_port: string | null;
  index: number | null;
  node: string;
  port: string;
  at: number | null;
  modes: ("tensor" | "loss" | "predict")[] | null;
  runs: ("tensor" | "loss" | "predict")[];
  size: string | null;
  colour: string;
  problem: ("error" | "warning") | null;
}
/**
 * The box of a mode's outputs (``mode`` None: of a subgraph's).
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "OutputView".
 */
export interface OutputView {
  mode: ("tensor" | "loss" | "predict") | null;
  position: [number, number] | null;
  ports: PortView[];
}
/**
 * What a mode runs and needs.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ModeView".
 */
export interface ModeView {
  mode: "tensor" | "loss" | "predict";
  nodes: string[];
  inputs: string[];
  data_samples: string[];
  outputs: string[];
  flops: number | null;
  problem: string | null;
}
/**
 * Change a document: all operations, or none of them.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "EditRequest".
 */
export interface EditRequest {
  document: string;
  path?: string[];
  operations: (
    | AddNode
    | ReplaceNode
    | Insert
    | AddInput
    | RemoveInput
    | Remove
    | Rename
    | SetWeights
    | Connect
    | Disconnect
    | SetWireModes
    | SetOutput
    | SetValues
    | RemoveOutput
    | Place
    | Group
    | Ungroup
    | Duplicate
    | Paste
    | Comment
    | RemoveComment
    | RenameSubgraph
    | RemoveSubgraph
  )[];
  look?: boolean;
}
/**
 * Call another part in the place of a node, which keeps its id and what fits; what is not kept is said.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ReplaceNode".
 */
export interface ReplaceNode {
  op: "replace-node";
  node: string;
  type?: string | null;
  graph?: string | null;
}
/**
 * Put a node into a wire: one that has no wires yet (``node``), or a new one that calls ``type`` or ``graph``.
 *
 * The wire is named by its ends; it is led through the node in these modes (None: in all that it serves).
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Insert".
 */
export interface Insert {
  op: "insert";
  source: string;
  target: Target;
  modes?: ("tensor" | "loss" | "predict")[] | null;
  node?: string | null;
  type?: string | null;
  graph?: string | null;
  params?: {
    [k: string]: unknown;
  };
  position?: [number, number] | null;
}
/**
 * Remove an input and the wires from it.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RemoveInput".
 */
export interface RemoveInput {
  op: "remove-input";
  name: string;
}
/**
 * Remove nodes (and inputs), the wires from them, and outputs that are wired to them.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Remove".
 */
export interface Remove {
  op: "remove";
  names: string[];
}
/**
 * Rename a node or an input; every reference, weights rule and position follows.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Rename".
 */
export interface Rename {
  op: "rename";
  name: string;
  to: string;
}
/**
 * Set where a node's weights come from; a node with its own gets the type and parameters of its old source.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SetWeights".
 */
export interface SetWeights {
  op: "set-weights";
  node: string;
  rule: "own" | "share" | "momentum";
  source?: string | null;
  decay?: number | null;
  update?: ("before" | "after") | null;
  end_decay?: number | null;
}
/**
 * Say which modes a wire serves; None for all.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SetWireModes".
 */
export interface SetWireModes {
  op: "set-wire-modes";
  target: Target;
  source: string;
  modes?: ("tensor" | "loss" | "predict")[] | null;
}
/**
 * Name an output of a mode (at the top) or of a subgraph (mode None), or wire or rename one.
 *
 * Args:
 *     mode: The mode; None inside a subgraph.
 *     name: The output; made of the source where None.
 *     source: What it is wired to; None keeps the wire.
 *     rename: Its new name.
 *     modes: Inside a subgraph: the modes in which it is wired so; None for all.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SetOutput".
 */
export interface SetOutput {
  op: "set-output";
  mode?: ("tensor" | "loss" | "predict") | null;
  name?: string | null;
  source?: string | null;
  rename?: string | null;
  modes?: ("tensor" | "loss" | "predict")[] | null;
}
/**
 * Set values, or take them out: parameters and flags of nodes, what is declared of inputs, the graph's own texts.
 *
 * Paths begin in the open scope, as its part of the document has them: ``nodes.neck.params.dim``,
 * ``nodes.neck.frozen``, ``nodes.neck.bypassed``, ``inputs.image``, ``params.width`` (of a subgraph), ``name``,
 * ``about``, ``classes``.
 *
 * Args:
 *     edits: The values, one after the other.
 *     fix: They are those of a problem's fix: paths begin at the top of the document, and lead anywhere.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SetValues".
 */
export interface SetValues {
  op: "set";
  edits: EditStep[];
  fix?: boolean;
}
/**
 * Remove an output of a mode, or of a subgraph.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RemoveOutput".
 */
export interface RemoveOutput {
  op: "remove-output";
  mode?: ("tensor" | "loss" | "predict") | null;
  name: string;
}
/**
 * Put boxes where they stand: nodes and inputs by name, the outputs of a mode as ``outputs.loss``.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Place".
 */
export interface Place {
  op: "place";
  positions: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [number, number];
  };
}
/**
 * Make a subgraph of nodes, and call it where they were; names in the state dict get its id in front.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Group".
 */
export interface Group {
  op: "group";
  names: string[];
  name?: string | null;
}
/**
 * Put the body of a called subgraph in place of the call.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Ungroup".
 */
export interface Ungroup {
  op: "ungroup";
  node: string;
}
/**
 * Put in what ``copy`` took out of this or another graph.
 *
 * Args:
 *     fragment: What was copied.
 *     position: Where its upper left corner goes.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Paste".
 */
export interface Paste {
  op: "paste";
  fragment: string;
  position?: [number, number] | null;
}
/**
 * Remove a comment.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RemoveComment".
 */
export interface RemoveComment {
  op: "remove-comment";
  id: string;
}
/**
 * Rename a subgraph of the graph; every call of it follows.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RenameSubgraph".
 */
export interface RenameSubgraph {
  op: "rename-subgraph";
  name: string;
  to: string;
}
/**
 * Remove a subgraph that nothing calls.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RemoveSubgraph".
 */
export interface RemoveSubgraph {
  op: "remove-subgraph";
  name: string;
}
/**
 * Why nothing was done.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Failure".
 */
export interface Failure {
  message: string;
  problems: ProblemView[];
}
/**
 * A graph in the gallery.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FileEntry".
 */
export interface FileEntry {
  place: "workspace" | "shipped";
  name: string;
  folder: string;
  title: string;
  about: string;
  thumbnail: string;
  nodes: number;
  modes: ("tensor" | "loss" | "predict")[];
  has_weights: boolean;
  problem: string | null;
}
/**
 * A file as it is called now.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FileReply".
 */
export interface FileReply {
  name: string;
  version: string;
}
/**
 * One end that a wire may have, or why not.
 *
 * Args:
 *     end: ``node.port`` of an input port, or the reference of an output.
 *     reason: None where it may.
 *     meant: Whether such wires mostly end there.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Fit".
 */
export interface Fit {
  end: string;
  node: string;
  port: string | null;
  reason: string | null;
  meant: boolean;
}
/**
 * All ends in the open scope, and the best ones of each box.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FitsReply".
 */
export interface FitsReply {
  fits: Fit[];
  boxes: BoxFit[];
}
/**
 * Which ports a wire may go to (from a source), or come from (to a target).
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FitsRequest".
 */
export interface FitsRequest {
  document: string;
  path?: string[];
  source?: string | null;
  target?: string | null;
}
/**
 * Nodes that have no wires yet, and parts; best first.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "InsertionsReply".
 */
export interface InsertionsReply {
  nodes: string[];
  parts: Replacement[];
}
/**
 * A part that may take the place of a node, or be put into a wire.
 *
 * Args:
 *     lost: What it would not keep, as people read it.
 *     wires: How many of these are wires.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Replacement".
 */
export interface Replacement {
  type: string | null;
  graph: string | null;
  lost: string[];
  wires: number;
}
/**
 * What may be put into a wire.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "InsertionsRequest".
 */
export interface InsertionsRequest {
  document: string;
  path?: string[];
  source: string;
  target: Target;
}
/**
 * Look at a document.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "LookRequest".
 */
export interface LookRequest {
  document: string;
  path?: string[];
}
/**
 * An empty graph.
 *
 * Args:
 *     name: What it is called; by default a name that no graph of the workspace has.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "NewRequest".
 */
export interface NewRequest {
  name?: string | null;
}
/**
 * A document that was opened or read.
 *
 * Args:
 *     version: What the file is when it was read; Save compares it.
 *     notes: What is to be told about it (parts of a config that were not understood).
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "OpenReply".
 */
export interface OpenReply {
  document: string;
  view: GraphView;
  name: string;
  place: "workspace" | "shipped" | "none";
  version: string | null;
  notes: ProblemView[];
}
/**
 * Open a file of the workspace or a shipped graph, by the name that the gallery has.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "OpenRequest".
 */
export interface OpenRequest {
  place: "workspace" | "shipped";
  name: string;
}
/**
 * Ask for a name to save or download under.
 *
 * Args:
 *     title: What the graph is called.
 *     file: The name that its file has, or had.
 *     place: Where that file is.
 *     fresh: Whether the name should be free in the workspace.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ProposeRequest".
 */
export interface ProposeRequest {
  title: string;
  file?: string;
  place?: "workspace" | "shipped" | "none";
  fresh?: boolean;
}
/**
 * Read text that a person typed, uploaded or dropped.
 *
 * Args:
 *     name: Its file name, which tells YAML from a config of OpenMMLab (``.py``, ``.json``).
 *     content: In place of the text the file's bytes, in base64; of a large file only its beginning.
 *     size: How many bytes the whole file has.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ReadRequest".
 */
export interface ReadRequest {
  text?: string;
  content?: string | null;
  size?: number;
  name?: string;
  path?: string[];
}
/**
 * Give a file of the workspace another name.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RenameFileRequest".
 */
export interface RenameFileRequest {
  name: string;
  to: string;
}
/**
 * Best first.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ReplacementsReply".
 */
export interface ReplacementsReply {
  parts: Replacement[];
}
/**
 * What may take the place of a node.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ReplacementsRequest".
 */
export interface ReplacementsRequest {
  document: string;
  path?: string[];
  node: string;
}
/**
 * Bring back what was moved to the trash.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RestoreFileRequest".
 */
export interface RestoreFileRequest {
  token: string;
}
/**
 * Where it was saved.
 *
 * Args:
 *     saved: False where the file is not what it was: ask, and save again with ``overwrite``.
 *     conflict: What is there.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SaveReply".
 */
export interface SaveReply {
  saved: boolean;
  name: string;
  version: string | null;
  load: string;
  conflict: string | null;
}
/**
 * Save to the workspace.
 *
 * Args:
 *     name: File name without folder, ``my_net.yaml``.
 *     version: What the file was when it was opened; None for a new one.
 *     overwrite: Save although the file changed, or there is one.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SaveRequest".
 */
export interface SaveRequest {
  document: string;
  name: string;
  version?: string | null;
  overwrite?: boolean;
}
/**
 * The Python source of a component's class.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SourceRequest".
 */
export interface SourceRequest {
  type: string;
}
/**
 * Best first.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SuggestReply".
 */
export interface SuggestReply {
  suggestions: Suggestion[];
}
/**
 * A part and the port that the wire would use, a new input, or a place among the outputs.
 *
 * Args:
 *     type: The component; the port type of a new input.
 *     graph: The subgraph.
 *     port: The port that the wire would use.
 *     section: For a new input: where it is declared.
 *     output: Whether it is an output: of a mode, or of the open subgraph.
 *     mode: The mode of an output.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Suggestion".
 */
export interface Suggestion {
  type: string | null;
  graph: string | null;
  port: string;
  section: ("inputs" | "data_samples") | null;
  output: boolean;
  mode: ("tensor" | "loss" | "predict") | null;
}
/**
 * What a wire could lead to (from a source), or come from (to a target).
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SuggestRequest".
 */
export interface SuggestRequest {
  document: string;
  path?: string[];
  source?: string | null;
  target?: string | null;
}
/**
 * Text to be read or downloaded: a graph's YAML, a component's source.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TextReply".
 */
export interface TextReply {
  text: string;
}
/**
 * A document as YAML, as it would be saved.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TextRequest".
 */
export interface TextRequest {
  document: string;
}
/**
 * What can be opened.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "WorkspaceView".
 */
export interface WorkspaceView {
  folder: string;
  entries: FileEntry[];
}
