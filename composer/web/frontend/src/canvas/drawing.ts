import { type Edge, type Node, type NodeHandle, Position } from "@xyflow/react";
import { type BoxText, boxText } from "../logic/boxText";
import { HANDLE, heightOf, rowY, widthOf } from "../logic/geometry";
import { commentBox } from "../logic/operations";
import {
  boxOf,
  inputRows,
  outputBoxes,
  outputBoxRows,
  outputRows,
  type Row,
  sourceHandle,
  targetHandle,
  wiringOf,
} from "../logic/rows";
import type { CommentView, GraphView, NodeView, OutputView, WireView } from "../payloads";

export interface BoxData extends Record<string, unknown> {
  /** Says whether two boxes look the same. */
  key: string;
  view: NodeView | null;
  output: OutputView | null;
  comment: CommentView | null;
  text: BoxText;
  inputs: Row[];
  outputs: Row[];
}
export interface WireData extends Record<string, unknown> {
  key: string;
  view: WireView;
  /** Which of the wires that end in the same handle, so that labels stand one above the other. */
  slot: number;
}
export type Box = Node<BoxData>;
export type Wire = Edge<WireData>;

const UNTABBED = { tabIndex: -1 };

export interface Drawing {
  boxes: Box[];
  wires: Wire[];
}

/** A view as boxes and wires. What looks as it did before is the same object as before, so that it is not drawn again. */
export function draw(view: GraphView, before: Drawing, levels: ReadonlySet<string>): Drawing {
  const { into, from } = wiringOf(view);
  const open = (end: string) => levels.has(`${view.scope ?? ""}/${end}`);
  const old = new Map(before.boxes.map((box) => [box.id, box]));
  const rowsBy = new Map<string, { inputs: Row[]; outputs: Row[] }>();
  const boxes: Box[] = [];
  const add = (id: string, data: BoxData, position: [number, number] | null) => {
    rowsBy.set(id, data);
    boxes.push(box(id, data, position, old.get(id)));
  };
  for (const comment of view.comments) boxes.push(commentNode(comment, old.get(commentBox(comment.id))));
  for (const node of view.nodes) {
    const inputs = inputRows(node, into.get(node.name) ?? []);
    const outputs = outputRows(node, from.get(node.name) ?? [], open);
    const look = { ...node, position: null };
    add(
      node.name,
      {
        key: JSON.stringify([look, inputs, outputs]),
        view: node,
        output: null,
        comment: null,
        text: boxText(node, (into.get(node.name)?.length ?? 0) + (from.get(node.name)?.length ?? 0)),
        inputs,
        outputs,
      },
      node.position,
    );
  }
  for (const output of outputBoxes(view)) {
    const inputs = outputBoxRows(output);
    const text: BoxText = {
      title: output.mode ? `${output.mode} outputs` : "outputs",
      type: "",
      numbers: "",
      badges: [],
      params: "",
      label: "",
    };
    text.label = `${text.title}, ${output.ports.length} wire${output.ports.length === 1 ? "" : "s"}`;
    add(
      boxOf(output),
      { key: JSON.stringify(inputs), view: null, output, comment: null, text, inputs, outputs: [] },
      output.position,
    );
  }
  return { boxes, wires: drawWires(view.wires, rowsBy, before.wires) };
}

/** Where a box stands that has no place yet. */
export const NOWHERE = { x: Number.NaN, y: Number.NaN };
export const isPlaced = (one: Box): boolean => !Number.isNaN(one.position.x);

function box(id: string, data: BoxData, position: [number, number] | null, old?: Box): Box {
  const spot = position ? { x: position[0], y: position[1] } : (old?.position ?? NOWHERE);
  if (old && old.data.key === data.key) {
    const before = (old.data.view ?? old.data.output)?.position;
    const still = before?.[0] === position?.[0] && before?.[1] === position?.[1];
    if (still && (!position || (old.position.x === spot.x && old.position.y === spot.y))) return old;
    return { ...old, position: spot, data };
  }
  const width = widthOf(data);
  const height = heightOf(data);
  return {
    id,
    type: "box",
    position: spot,
    data,
    width,
    height,
    measured: { width, height },
    handles: [...handles(data, data.inputs, "target", 0), ...handles(data, data.outputs, "source", width)],
    ariaLabel: data.text.label,
    domAttributes: UNTABBED,
    selected: old?.selected ?? false,
    zIndex: 1,
  };
}

function handles(data: BoxData, rows: Row[], type: "source" | "target", x: number): NodeHandle[] {
  const position = type === "target" ? Position.Left : Position.Right;
  return rows.map((one, at) => ({
    id: one.handle,
    type,
    position,
    x: x - HANDLE / 2,
    y: rowY(data, at) - HANDLE / 2,
    width: HANDLE,
    height: HANDLE,
  }));
}

function commentNode(comment: CommentView, old?: Box): Box {
  const key = JSON.stringify(comment);
  if (old?.data.key === key) return old;
  const [x, y, width, height] = comment.box;
  const text: BoxText = {
    title: comment.text,
    type: "",
    numbers: "",
    badges: [],
    params: "",
    label: `comment: ${comment.text}`,
  };
  return {
    id: commentBox(comment.id),
    type: "comment",
    position: { x, y },
    width,
    height,
    measured: { width, height },
    data: { key, view: null, output: null, comment, text, inputs: [], outputs: [] },
    ariaLabel: text.label,
    domAttributes: UNTABBED,
    selected: old?.selected ?? false,
    zIndex: -1,
  };
}

function drawWires(views: WireView[], rows: Map<string, { inputs: Row[]; outputs: Row[] }>, before: Wire[]): Wire[] {
  const old = new Map(before.map((wire) => [wire.id, wire]));
  const slots = new Map<string, number>();
  const wires: Wire[] = [];
  for (const view of views) {
    const source = rows.get(view.from_node);
    const target = rows.get(view.node);
    if (!source || !target) continue;
    const from = sourceHandle(view, source.outputs);
    const to = targetHandle(view, target.inputs);
    const slot = slots.get(to) ?? 0;
    slots.set(to, slot + 1);
    const key = JSON.stringify([view, from, to, slot]);
    const found = old.get(view.id);
    if (found?.data?.key === key) {
      wires.push(found);
      continue;
    }
    wires.push({
      id: view.id,
      type: "wire",
      source: view.from_node,
      sourceHandle: from,
      target: view.node,
      targetHandle: to,
      data: { key, view, slot },
      selected: found?.selected ?? false,
      ariaLabel: `wire from ${view.source} to ${view.node}.${view.port}${view.size ? `, ${view.size}` : ""}`,
      zIndex: 0,
    });
  }
  return wires;
}
