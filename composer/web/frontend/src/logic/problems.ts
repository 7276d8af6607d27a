/** What a problem is about, by the keys of its document. */
import type { ProblemView } from "../payloads";

type Key = string | number;

/** Whether a problem is about what stands at these keys of its document, or inside it. */
export const isWithin = (problem: Pick<ProblemView, "keys">, keys: readonly Key[]): boolean =>
  keys.length > 0 && keys.every((key, at) => at < problem.keys.length && String(problem.keys[at]) === String(key));

/** Whether a problem of a recipe is about the policy of a node, or of a part of it. */
export function isOfPolicy({ keys: [section, path] }: Pick<ProblemView, "keys">, node: string): boolean {
  return section === "policy" && (path === node || String(path ?? "").startsWith(`${node}.`));
}

/** What a problem is about, as people read it. */
export const placeOf = ({ subject, mode }: Pick<ProblemView, "subject" | "mode">): string =>
  subject && mode ? `${subject} (${mode} mode)` : subject;
