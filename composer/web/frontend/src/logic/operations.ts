import type { EditRequest, LookRequest } from "../payloads";

export type Operation = EditRequest["operations"][number];
export type Mode = "tensor" | "loss" | "predict";
export const MODES: Mode[] = ["tensor", "loss", "predict"];
export type Path = NonNullable<LookRequest["path"]>;

/** The box of a comment, among the names of boxes. */
export const commentBox = (id: string): string => `comment:${id}`;
