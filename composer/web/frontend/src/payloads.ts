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
 * A step of augmentation.
 *
 * Args:
 *     about: What it does, in a line.
 *     fields: Its parameters.
 *     defaults: Their values where a recipe does not say.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "AugmentStep".
 */
export interface AugmentStep {
  about: string;
  fields: RecipeField[];
  defaults: {
    [k: string]: unknown;
  };
}
/**
 * A key of a recipe in the form.
 *
 * Args:
 *     path: Its keys from the top.
 *     json_schema: Of its value, with nothing to look up elsewhere.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RecipeField".
 */
export interface RecipeField {
  path: string[];
  label: string;
  help: string;
  json_schema: {
    [k: string]: unknown;
  };
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
  listed: boolean;
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
 * One thing wrong with a graph, a recipe or data.
 *
 * Args:
 *     keys: The keys of the document that it is about, from the top; empty where it is about none.
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
  keys: (string | number)[];
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
 * A repair.
 *
 * Args:
 *     edits: What it does to the document; empty where a person has to do it.
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
 * One thing that was looked at.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "CheckFinding".
 */
export interface CheckFinding {
  item: string;
  state: "ok" | "warning" | "error";
  message: string;
  advice: string;
}
/**
 * Try a training.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "CheckRequest".
 */
export interface CheckRequest {
  document: string;
  text: string;
  base?: string;
}
/**
 * How a training would go.
 *
 * Args:
 *     findings: All of them.
 *     nodes: By path.
 *     device: The kind of device that it was tried on, whose memory ``peak`` and ``limit`` are.
 *     peak: Bytes of memory at the peak, at most; None where they are not known. Likewise the others.
 *     usual: Bytes at the peak with what is found in a batch now, where that matters (detectors); else as ``peak``.
 *     limit: Bytes that there are.
 *     largest: The largest batch that fits.
 *     seconds: The whole training, by the median step.
 *     low: By the lower quartile.
 *     high: By the upper quartile.
 *     disk: Bytes that the run will write.
 *     free: Bytes that are free.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "CheckResult".
 */
export interface CheckResult {
  kind: "check";
  state: "ok" | "warning" | "error";
  findings: CheckFinding[];
  nodes: {
    [k: string]: NodeFinding;
  };
  device: string;
  peak: number | null;
  usual: number | null;
  limit: number | null;
  largest: number | null;
  seconds: number | null;
  low: number | null;
  high: number | null;
  disk: number | null;
  free: number | null;
}
/**
 * What one step showed of a node.
 *
 * Args:
 *     norm: The norm of its gradient; None where it has none, or it is no finite number.
 *     kind: ``trained``, ``frozen`` or ``momentum copy``; empty where nothing is said.
 *     moved: How far it moved, as ``composer.training.check.proof`` counts it.
 *     state: The worst of all.
 *     about: What is wrong, in words.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "NodeFinding".
 */
export interface NodeFinding {
  norm: number | null;
  broken: boolean;
  unreached: boolean;
  kind: string;
  moved: number | null;
  state: "ok" | "warning" | "error";
  about: string;
}
/**
 * A value that is offered for a parameter.
 *
 * Args:
 *     detail: What it is, in a few words.
 *     hint: More of it, in some lines.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ChoiceView".
 */
export interface ChoiceView {
  value: string;
  detail: string;
  hint: string;
}
/**
 * Every value that is offered, in the order of the list.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ChoicesReply".
 */
export interface ChoicesReply {
  choices: ChoiceView[];
}
/**
 * The values that are offered for a parameter of a component.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ChoicesRequest".
 */
export interface ChoicesRequest {
  type: string;
  parameter: string;
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
 * A data set.
 *
 * Args:
 *     format: The name of its format.
 *     about: What that is, in words.
 *     held_back: Whether what is measured on is a share of what is trained on.
 *     complete: Whether every image was decoded.
 *     deep: Whether images were looked at.
 *     problems: What is wrong with it.
 *     known: What is needed to hold it against a graph; the page does not look into it.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "DataResult".
 */
export interface DataResult {
  kind: "data";
  format: string;
  about: string;
  held_back: boolean;
  complete: boolean;
  deep: boolean;
  splits: SplitView[];
  problems: ProblemView[];
  known: {
    [k: string]: unknown;
  };
}
/**
 * One split of a data set.
 *
 * Args:
 *     unit: What is counted: ``samples``, ``objects`` or ``pixels``; empty where there are no classes.
 *     classes: Names of the classes in order, as far as they are sent.
 *     counts: One for each of these.
 *     class_count: How many classes there are.
 *     smallest: Height and width.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SplitView".
 */
export interface SplitView {
  name: "train" | "val";
  samples: number;
  looked_at: number;
  columns: {
    [k: string]: string;
  };
  unit: string;
  classes: string[];
  counts: number[];
  class_count: number;
  smallest: [number, number] | null;
  largest: [number, number] | null;
  faults: SplitFault[];
}
/**
 * Samples that something is wrong with; the first are named.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SplitFault".
 */
export interface SplitFault {
  kind: string;
  count: number;
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
 *     taken: Parameters that its wires give, and their values.
 *     inherited: For shared and momentum nodes: the parameters of the source.
 *     parameters: How many numbers its own weights hold.
 *     flops: Of one sample, in the mode that costs most.
 *     activation: Bytes of what it puts out for one sample (float32).
 *     modes: The modes that run it.
 *     state: ``placeholder``: its type is not in the catalog, or needs a package that is not installed; ``error`` and
 *         ``warning``: a problem is about it; ``unwired``: nobody has wired it yet.
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
 * Keys that belong together; those of the first group are changed most often.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FieldGroup".
 */
export interface FieldGroup {
  title: string;
  about: string;
  fields: RecipeField[];
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
 * A folder, or a file that may hold samples.
 *
 * Args:
 *     path: From the workspace on.
 *     format: What training takes it for; empty where it holds no samples that are recognised.
 *     about: What a recognised format is, in words.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FolderEntry".
 */
export interface FolderEntry {
  name: string;
  path: string;
  folder: boolean;
  format: string;
  about: string;
}
/**
 * A folder and what lies in it.
 *
 * Args:
 *     own: The folder itself.
 *     entries: Folders first.
 *     more: How many entries were left out.
 *     workspace: Where the workspace is on the machine of the server.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FoldersReply".
 */
export interface FoldersReply {
  own: FolderEntry;
  entries: FolderEntry[];
  more: number;
  workspace: string;
}
/**
 * What lies in a folder of the workspace.
 *
 * Args:
 *     path: From the workspace on, with ``/``; empty for the workspace itself.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "FoldersRequest".
 */
export interface FoldersRequest {
  path?: string;
}
/**
 * How often values lie in bins of equal width between the least and the greatest.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "Histogram".
 */
export interface Histogram {
  low: number;
  high: number;
  counts: number[];
}
/**
 * Images as training sees them.
 *
 * Args:
 *     epoch: Counted from 0.
 *     start: The first, in the order of the epoch.
 *     split: ``train`` is augmented, ``val`` is as it is measured on.
 *     indices: These samples, in place of those from ``start`` on.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ImagesRequest".
 */
export interface ImagesRequest {
  document: string;
  text: string;
  base?: string;
  split?: "train" | "val";
  epoch?: number;
  start?: number;
  count?: number;
}
/**
 * Images as training sees them.
 *
 * Args:
 *     total: How many samples an epoch has.
 *     steps: What is done to the images of each input, in words.
 *     mixed: Whether images of the batch are mixed.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ImagesResult".
 */
export interface ImagesResult {
  kind: "images";
  split: "train" | "val";
  epoch: number;
  start: number;
  total: number;
  samples: SampleImage[];
  steps: {
    [k: string]: string[];
  };
  mixed: boolean;
}
/**
 * A sample.
 *
 * Args:
 *     index: Of the data.
 *     about: What it is labelled with.
 *     problem: Why it cannot be shown; empty where it can.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SampleImage".
 */
export interface SampleImage {
  index: number;
  name: string;
  about: string;
  views: SampleView[];
  problem: string;
}
/**
 * What one input is given.
 *
 * Args:
 *     input: The name of the input.
 *     image: A PNG or JPEG as a data address.
 *     overlay: Masks, maps and hidden patches as a transparent PNG; empty where there are none.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SampleView".
 */
export interface SampleView {
  input: string;
  width: number;
  height: number;
  image: string;
  overlay: string;
  boxes: SampleBox[];
}
/**
 * A box in pixels of its view: left, top, right, bottom.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SampleBox".
 */
export interface SampleBox {
  /**
   * @minItems 4
   * @maxItems 4
   */
  box: [number, number, number, number];
  label: number | null;
  name: string;
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
 * Weights were put beside a graph file.
 *
 * Args:
 *     file: The file of weights.
 *     load: The line that loads graph and weights in Python.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "KeepWeightsReply".
 */
export interface KeepWeightsReply {
  file: string;
  load: string;
}
/**
 * Put the weights of an import beside a graph file of the workspace.
 *
 * Args:
 *     name: What ``ProgramResult.file`` says.
 *     file: The graph file.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "KeepWeightsRequest".
 */
export interface KeepWeightsRequest {
  name: string;
  file: string;
}
/**
 * Look at the data of a recipe.
 *
 * Args:
 *     text: The recipe.
 *     base: The folder of the workspace that its paths hold from.
 *     deep: Whether every image is decoded, as far as the time goes.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "LookDataRequest".
 */
export interface LookDataRequest {
  text: string;
  base?: string;
  deep?: boolean;
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
 * Look at the values of one tensor of a pass, for the first sample.
 *
 * Args:
 *     level: The entry of a sequence.
 *     channel: The channel that is shown alone; None for channels side by side.
 *     first: The first of these.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "MapRequest".
 */
export interface MapRequest {
  name: string;
  node: string;
  port?: string;
  level?: number | null;
  channel?: number | null;
  first?: number;
}
/**
 * Values as an image, or as numbers (``bars``).
 *
 * Args:
 *     kind: ``tiles`` are channels side by side, ``map`` is one of them, ``matrix`` has rows, ``bars`` are numbers.
 *     image: A PNG file in base64.
 *     width: Of the image, in pixels. Likewise ``height``.
 *     rows: Of a map or a matrix, in values; of ``tiles`` of each. Likewise ``columns``.
 *     channels: How many channels there are; 0 where there are none.
 *     first: The first channel that is shown.
 *     across: Of ``tiles`` how many lie side by side.
 *     cell: Of ``tiles`` width and height of each with the gap, in pixels.
 *     low: The value of the lowest colour or bar; None where nothing is finite, or each tile has its own.
 *     high: The highest.
 *     bars: The numbers; None for one that is not finite.
 *     left_out: How many channels, rows or numbers are not shown.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "MapView".
 */
export interface MapView {
  kind: "tiles" | "map" | "matrix" | "bars";
  image: string;
  width: number;
  height: number;
  rows: number;
  columns: number;
  channels: number;
  first: number;
  across: number;
  /**
   * @minItems 2
   * @maxItems 2
   */
  cell: [number, number];
  low: number | null;
  high: number | null;
  bars: (number | null)[];
  left_out: number;
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
 *     notes: What is to be said about it (parts of a config that were not understood).
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
 * Look at a pass of Run.
 *
 * Args:
 *     name: Its name, which only the page knows that ran it.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "PassRequest".
 */
export interface PassRequest {
  name: string;
}
/**
 * The numbers of every node of a pass.
 *
 * Args:
 *     title: What went in, and which weights.
 *     mode: The mode that ran.
 *     training: Whether nodes did as in training.
 *     document: The graph that ran.
 *     rows: A row for each tensor: of inputs, then of nodes in the order in which they ran, then of the outputs of
 *         called subgraphs.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "PassView".
 */
export interface PassView {
  name: string;
  title: string;
  mode: string;
  training: boolean;
  document: string;
  rows: ValueRow[];
}
/**
 * A tensor that a node gave in a pass, over all samples.
 *
 * Args:
 *     node: Its path; the name of an input or of a data sample.
 *     port: The port; empty for what goes in.
 *     level: Which entry of a sequence; None where it is none.
 *     shape: Sizes, the batch first.
 *     dtype: What its numbers are.
 *     count: How many.
 *     low: The least finite one; None where none is finite. Likewise ``high``, ``mean`` and ``std``, the spread.
 *     zeros: How many are 0.
 *     nan: How many are NaN.
 *     infinite: How many are infinite.
 *     checksum: Of all numbers: where it is equal, they are.
 *     histogram: Of the finite ones.
 *     offset: Where the values of the first sample are in the file of the pass; None where they are not kept.
 *     kept: Their sizes, without the batch.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ValueRow".
 */
export interface ValueRow {
  node: string;
  port: string;
  level: number | null;
  shape: number[];
  dtype: string;
  count: number;
  low: number | null;
  high: number | null;
  mean: number | null;
  std: number | null;
  zeros: number;
  nan: number;
  infinite: number;
  checksum: number;
  histogram: Histogram | null;
  offset: number | null;
  kept: number[];
}
/**
 * Read an uploaded ``.pt2`` file as a graph.
 *
 * Args:
 *     path: Where the upload lies, as the server gave it.
 *     name: What the file was called.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ProgramRequest".
 */
export interface ProgramRequest {
  path: string;
  name: string;
}
/**
 * A graph that was made of a program.
 *
 * Args:
 *     document: The graph.
 *     file: Its name in the place ``import``, under which the server keeps its weights.
 *     notes: What became what, and what was lost.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "ProgramResult".
 */
export interface ProgramResult {
  kind: "program";
  document: string;
  file: string;
  notes: ProblemView[];
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
 *     name: Its file name, which distinguishes YAML from a config of OpenMMLab (``.py``, ``.json``).
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
 * The form of a recipe.
 *
 * Args:
 *     augmentation: The steps that images may go through, by name.
 *     masks: How patches may be hidden, by name.
 *     policy: The keys of a node's policy.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RecipeFormReply".
 */
export interface RecipeFormReply {
  groups: FieldGroup[];
  augmentation: {
    [k: string]: AugmentStep;
  };
  masks: {
    [k: string]: AugmentStep;
  };
  policy: RecipeField[];
}
/**
 * The form of a recipe; it is always the same.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RecipeFormRequest".
 */
export interface RecipeFormRequest {}
/**
 * A recipe, read.
 *
 * Args:
 *     text: The text; as it was given, where nothing was edited.
 *     values: What it says; None where it cannot be read.
 *     completed: What it says with everything that is filled in; None where graph or data are not known.
 *     defaults: The same where the recipe said nothing but its data.
 *     problems: What is wrong with it; fixes are edits of the recipe.
 *     graph_problems: What of the graph does not fit; fixes are edits of the graph.
 *     has_data: Whether it names data.
 *     known: Whether that was looked at.
 *     steps: Steps of the whole training; None where it is not known.
 *     command: The command that trains the same.
 *     ready: Whether it can be started.
 *     run_text: The recipe with paths from the workspace on.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RecipeReply".
 */
export interface RecipeReply {
  text: string;
  values: {
    [k: string]: unknown;
  } | null;
  completed: {
    [k: string]: unknown;
  } | null;
  defaults: {
    [k: string]: unknown;
  } | null;
  problems: ProblemView[];
  graph_problems: ProblemView[];
  has_data: boolean;
  known: boolean;
  steps: number | null;
  command: string;
  ready: boolean;
  run_text: string;
}
/**
 * Read a recipe, or change it.
 *
 * Args:
 *     document: The graph.
 *     text: The recipe; empty for a new one.
 *     graph: The name of the graph's file, for a new recipe and the command line.
 *     base: The folder of the workspace that its paths hold from.
 *     edits: Keys that are set or taken out.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "RecipeRequest".
 */
export interface RecipeRequest {
  document: string;
  text: string;
  graph?: string;
  base?: string;
  /**
   * @maxItems 200
   */
  edits?: EditStep[];
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
 * What was written.
 *
 * Args:
 *     text: With paths that hold from beside the graph.
 *     conflict: Why nothing was written; empty where it was.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SaveRecipeReply".
 */
export interface SaveRecipeReply {
  name: string;
  text: string;
  base: string;
  version: string | null;
  conflict: string;
}
/**
 * Write a recipe beside a graph of the workspace.
 *
 * Args:
 *     graph: The graph's file.
 *     base: The folder that the paths in the text hold from.
 *     version: What the file was when it was read; None for a new one.
 *     overwrite: Write although it is another one now.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "SaveRecipeRequest".
 */
export interface SaveRecipeRequest {
  graph: string;
  text: string;
  base?: string;
  version?: string | null;
  overwrite?: boolean;
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
 * A recipe file.
 *
 * Args:
 *     text: Empty where there is none.
 *     version: Identifies its content; None where there is none.
 *     base: The folder of the workspace that it lies in.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "StoredRecipeReply".
 */
export interface StoredRecipeReply {
  name: string;
  text: string;
  version: string | null;
  base: string;
}
/**
 * The recipe that lies beside a graph of the workspace.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "StoredRecipeRequest".
 */
export interface StoredRecipeRequest {
  graph: string;
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
 * A task that was started.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TaskRequest".
 */
export interface TaskRequest {
  id: string;
}
/**
 * How a task goes.
 *
 * Args:
 *     state: ``stopped`` by a person, ``gone`` where the server does not know it any more.
 *     doing: What it does, in words.
 *     done: How many of ``total``; 0 of 0 where it is not counted.
 *     findings: What was found so far.
 *     problems: Why it failed.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TaskView".
 */
export interface TaskView {
  id: string;
  state: "waiting" | "working" | "done" | "failed" | "stopped" | "gone";
  doing: string;
  done: number;
  total: number;
  findings: CheckFinding[];
  result: DataResult | ImagesResult | UnpackResult | CheckResult | ProgramResult | null;
  problems: ProblemView[];
}
/**
 * A folder that was made of an archive.
 *
 * Args:
 *     path: From the workspace on.
 *     skipped: Files that are no part of the data (``__MACOSX``, ``.DS_Store``).
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "UnpackResult".
 */
export interface UnpackResult {
  kind: "unpacked";
  path: string;
  files: number;
  bytes: number;
  skipped: number;
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
 * A box of an image: an object, or what was found.
 *
 * Args:
 *     left: From 0 to 1 over the width; likewise ``right``, and ``top`` and ``bottom`` over the height.
 *     name: Of its class.
 *     score: None for an object that was missed.
 *     fault: ``missed``, ``false``, or empty for what is right.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainBox".
 */
export interface TrainBox {
  left: number;
  top: number;
  right: number;
  bottom: number;
  name: string;
  score: number | null;
  fault: "" | "missed" | "false";
}
/**
 * A validation image in which a detector missed objects or found what is not there; empty where not kept.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainBoxes".
 */
export interface TrainBoxes {
  name: string;
  image: string;
  missed: number;
  false: number;
  boxes: TrainBox[];
}
/**
 * A key in which two recipes differ; a value that is missing is empty.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainChange".
 */
export interface TrainChange {
  key: string;
  one: string;
  other: string;
}
/**
 * What was measured of a class: precision, recall, count; or AP; or IoU.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainClass".
 */
export interface TrainClass {
  name: string;
  numbers: {
    [k: string]: number | null;
  };
}
/**
 * Compare two runs.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainCompareRequest".
 */
export interface TrainCompareRequest {
  one: string;
  other: string;
}
/**
 * In what two runs differ.
 *
 * Args:
 *     recipe: Keys of the recipes.
 *     graph: Changes from the first graph to the second, in words; empty where they mean the same.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainComparison".
 */
export interface TrainComparison {
  recipe: TrainChange[];
  graph: string[];
}
/**
 * How often one class was taken for another.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainConfused".
 */
export interface TrainConfused {
  right: string;
  answered: string;
  count: number;
}
/**
 * A stretch of a curve: the points from number ``first`` on; those before are as the page has them.
 *
 * Args:
 *     mark: Changes when points that a page has hold no longer.
 *     step: The last step of each point.
 *     mean: The mean of its values; None where all are NaN or infinite. Likewise ``low`` and ``high``.
 *     broken: How many of its values are NaN or infinite.
 *     last: The newest value; None where it is no finite number.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainCurve".
 */
export interface TrainCurve {
  mark: string;
  first: number;
  step: number[];
  mean: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  broken: number[];
  last: number | null;
}
/**
 * The last evaluation in full.
 *
 * Args:
 *     confusion: Rows are right, columns are answered; empty where there are too many classes to draw.
 *     confused: The pairs that are confused most often.
 *     wrong: The surest wrong answers.
 *     uncertain: The answers with the lowest scores.
 *     missed: The images in which a detector missed most objects.
 *     false: Those with the surest false boxes.
 *     at_score: The score from which on boxes count there, which is that of the highest F1.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainEvaluation".
 */
export interface TrainEvaluation {
  step: number;
  classes: TrainClass[];
  confusion: number[][];
  confused: TrainConfused[];
  precision: TrainPrecision[];
  wrong: TrainLookedAt[];
  uncertain: TrainLookedAt[];
  missed: TrainBoxes[];
  false: TrainBoxes[];
  at_score: number | null;
}
/**
 * Precision at the recalls 0, 0.01 ... 1, at IoU 0.5.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainPrecision".
 */
export interface TrainPrecision {
  name: string;
  precision: (number | null)[];
}
/**
 * A validation image that is worth a look; the image is empty where it was not kept.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainLookedAt".
 */
export interface TrainLookedAt {
  name: string;
  right: string;
  answer: string;
  score: number | null;
  image: string;
}
/**
 * What was written.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainExportReply".
 */
export interface TrainExportReply {
  files: TrainFile[];
  notes: string[];
}
/**
 * A file to take away: its name, its bytes, and an address that holds for an hour.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainFile".
 */
export interface TrainFile {
  name: string;
  size: number;
  address: string;
}
/**
 * Write the best weights in a format for use elsewhere.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainExportRequest".
 */
export interface TrainExportRequest {
  name: string;
  to: "python" | "onnx" | "safetensors" | "openmmlab";
  mode?: string;
}
/**
 * The files of a run, and the modes of its graph.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainFilesView".
 */
export interface TrainFilesView {
  files: TrainFile[];
  modes: string[];
}
/**
 * What a page has of a curve already.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainHave".
 */
export interface TrainHave {
  mark: string;
  points: number;
}
/**
 * Put the best weights of a run beside a graph file of the workspace.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainKeepRequest".
 */
export interface TrainKeepRequest {
  name: string;
  file: string;
}
/**
 * Seconds that a run still takes, by the mean pace, the faster and the slower quarter.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainLeft".
 */
export interface TrainLeft {
  seconds: number;
  least: number;
  most: number;
}
/**
 * Something about one run.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainNameRequest".
 */
export interface TrainNameRequest {
  name: string;
}
/**
 * A node in one step of a training.
 *
 * Args:
 *     mean: Mean of what it gave, over the batch; None where it gave no floating-point numbers, or none that are
 *         finite. Likewise ``std``.
 *     bad: How many of them were NaN or infinite.
 *     weight: Norm of its weights; None where it has none.
 *     gradient: Norm of their gradients.
 *     not_finite: Which of these numbers are NaN or infinite.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainNode".
 */
export interface TrainNode {
  mean: number | null;
  std: number | null;
  weight: number | null;
  gradient: number | null;
  bad: number;
  not_finite: string[];
}
/**
 * Look at the numbers of every node of a run.
 *
 * Args:
 *     document: The graph on the canvas, to be compared with that of the run; None where that was done before.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainNodesRequest".
 */
export interface TrainNodesRequest {
  name: string;
  document?: string | null;
}
/**
 * The newest numbers of every node of a run.
 *
 * Args:
 *     step: In which step; None where none were counted yet.
 *     time: When, in seconds since 1970.
 *     outputs: Whether what nodes give was looked at, which ``torch.compile`` does not allow.
 *     first_bad: The first node that gave NaN or infinite numbers.
 *     nodes: By path, in the order in which they run.
 *     differs: How the graph on the canvas differs from that of the run; empty where it does not, None where that was
 *         not asked.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainNodesView".
 */
export interface TrainNodesView {
  name: string;
  step: number | null;
  time: number;
  outputs: boolean;
  first_bad: string | null;
  nodes: {
    [k: string]: TrainNode;
  };
  differs: string | null;
}
/**
 * A run in the table.
 *
 * Args:
 *     message: Its last words.
 *     position: Its place among those that wait, from 1; 0 for one that does not.
 *     metric: The number that says which weights are best.
 *     best: The best value of it; None where nothing was measured.
 *     recipe: Optimizer, batch and length, in a few words.
 *     seconds: How long it trained.
 *     began: When it began, in seconds since 1970.
 *     complete: Whether all of its log was read yet.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainRow".
 */
export interface TrainRow {
  name: string;
  graph: string;
  recipe: string;
  state: "queued" | "starting" | "running" | "stopping" | "finished" | "stopped" | "failed" | "died";
  message: string;
  position: number;
  step: number;
  steps: number;
  metric: string;
  best: number | null;
  best_step: number;
  seconds: number;
  began: number;
  complete: boolean;
}
/**
 * Look at a run.
 *
 * Args:
 *     have: The points that the page has, by curve.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainRunRequest".
 */
export interface TrainRunRequest {
  name: string;
  have?: {
    [k: string]: TrainHave;
  };
}
/**
 * A run as it is now.
 *
 * Args:
 *     epoch: Epochs that were made, with the part of the one that goes on.
 *     rate: Samples a second.
 *     memory: Bytes that it has: of the GPU that it trains on, or of the system; None where that is not known.
 *     forecast: Bytes of them that were forecast before its first step; None where they were not.
 *     left: How long it still takes.
 *     metrics: The last evaluation.
 *     lower: Whether less of the best metric is better.
 *     checkpoint: The name of the newest checkpoint; empty where there is none.
 *     resumable: Empty where the run can go on exactly; else why not.
 *     weights: Whether there are best weights.
 *     output: The last lines that the process printed.
 *     samples: The steps with drawn validation images.
 *     read: How much of the log was read, from 0 to 1.
 *     heartbeat: Seconds since the process last gave a sign.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainRunView".
 */
export interface TrainRunView {
  row: TrainRow;
  epoch: number;
  rate: number | null;
  memory: number | null;
  forecast: number | null;
  left: TrainLeft | null;
  metrics: {
    [k: string]: number | null;
  };
  lower: boolean;
  checkpoint: string;
  resumable: string;
  weights: boolean;
  output: string[];
  samples: number[];
  read: number;
  heartbeat: number | null;
  curves: {
    [k: string]: TrainCurve;
  };
}
/**
 * Look at the table of runs.
 *
 * Args:
 *     look: A run that is looked at too, so that a page which opens asks once; empty for the newest, None for none.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainRunsRequest".
 */
export interface TrainRunsRequest {
  look?: string | null;
}
/**
 * All runs, the newest first.
 *
 * Args:
 *     at_once: How many run at once; the others wait.
 *     free: Free bytes of the disk.
 *     run: The run that was asked for; None where none was, or there is none.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainRunsView".
 */
export interface TrainRunsView {
  rows: TrainRow[];
  at_once: number;
  free: number;
  run: TrainRunView | null;
}
/**
 * An image as a data address, and what it shows in words.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainSample".
 */
export interface TrainSample {
  image: string;
  words: string;
}
/**
 * The same validation images after each evaluation, with the answers drawn.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainSamples".
 */
export interface TrainSamples {
  step: number;
  samples: TrainSample[];
}
/**
 * The drawn validation images after an evaluation.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainSamplesRequest".
 */
export interface TrainSamplesRequest {
  name: string;
  step: number;
}
/**
 * A run that was started or waits.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainStartReply".
 */
export interface TrainStartReply {
  name: string;
}
/**
 * Start a training.
 *
 * Args:
 *     document: The graph.
 *     recipe: The recipe as YAML text, with paths from the workspace on; empty for one with ``data`` alone.
 *     data: The folder of samples, in place of the recipe's; empty to keep that.
 *     epochs: The length, in place of the recipe's.
 *     name: The name of the run; empty for one of graph and time.
 *     fix: Whether the graph of the run is changed as the data needs it.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainStartRequest".
 */
export interface TrainStartRequest {
  document: string;
  recipe?: string;
  data?: string;
  epochs?: number | null;
  name?: string;
  fix?: boolean;
}
/**
 * End a run: it saves and exits at its next step, or is killed at once.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "TrainStopRequest".
 */
export interface TrainStopRequest {
  name: string;
  kill?: boolean;
}
/**
 * Unpack an uploaded archive into the workspace.
 *
 * Args:
 *     path: Where the upload lies, as the server gave it.
 *     name: What the file was called.
 *
 * This interface was referenced by `Payloads`'s JSON-Schema
 * via the `definition` "UnpackRequest".
 */
export interface UnpackRequest {
  path: string;
  name: string;
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
