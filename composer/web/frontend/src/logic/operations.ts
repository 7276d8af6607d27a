import type { EditRequest, LookRequest, SetValues } from "../payloads";

export type Operation = EditRequest["operations"][number];
export type Mode = "tensor" | "loss" | "predict";
export const MODES: Mode[] = ["tensor", "loss", "predict"];
export type Path = NonNullable<LookRequest["path"]>;

/** The box of a comment, among the names of boxes. */
export const commentBox = (id: string): string => `comment:${id}`;

/** The operation that sets one value of the open scope; its path is that of the document. */
export const setValue = (path: string[], value: unknown): SetValues => ({ op: "set", edits: [{ path, set: value }] });

/** The operation that takes one value of the open scope out. */
export const removeValue = (path: string[]): SetValues => ({ op: "set", edits: [{ path, remove: true }] });

/** Where a parameter of a node stands. */
export const paramPath = (node: string, name: string): string[] => ["nodes", node, "params", name];
