import type { EditRequest, LookRequest } from "./payloads";

export type Operation = EditRequest["operations"][number];
export type Mode = "tensor" | "loss" | "predict";
export const MODES: Mode[] = ["tensor", "loss", "predict"];
export type Path = NonNullable<LookRequest["path"]>;
