/** Lists of steps of augmentation as a recipe has them: a step is its name, or one name with parameters. */

export type Params = Record<string, unknown>;
export type Step = string | Record<string, Params | null>;

/** The name of a step: `flip`, or the key of `{flip: {p: 0.5}}`. */
export const nameOf = (step: unknown): string =>
  typeof step === "string" ? step : typeof step === "object" && step ? (Object.keys(step)[0] ?? "") : String(step);

/** The parameters that a step gives. */
export function paramsOf(step: unknown): Params {
  if (typeof step !== "object" || !step) return {};
  const found: unknown = Object.values(step)[0];
  return typeof found === "object" && found && !Array.isArray(found) ? (found as Params) : {};
}

/** A step as short as it can be written. */
export const stepOf = (name: string, params: Params): Step => (Object.keys(params).length ? { [name]: params } : name);

/** A step with a parameter set; undefined takes it out, so that its default holds. */
export function withParam(step: unknown, key: string, value: unknown): Step {
  const { [key]: _, ...rest } = paramsOf(step);
  return stepOf(nameOf(step), value === undefined ? rest : { ...paramsOf(step), [key]: value });
}

/** A list with one entry elsewhere; as it is where it would leave the list. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  if (to < 0 || to >= list.length) return list;
  const found = [...list];
  found.splice(to, 0, ...found.splice(from, 1));
  return found;
}

/** The parameters that differ from their defaults, in a few words: `scale 0.2, 1; p 0.3`. */
export function summary(step: unknown, defaults: Params): string {
  return Object.entries(paramsOf(step))
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key]))
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(", ") : String(value)}`)
    .join("; ");
}

/** Whether a form can show a list: steps with mappings of parameters, all of them known. */
export const isPlain = (list: unknown, known: Record<string, unknown>): list is Step[] =>
  Array.isArray(list) &&
  list.every((step) => {
    if (typeof step === "string") return step in known;
    if (typeof step !== "object" || !step || Object.keys(step).length !== 1) return false;
    const params: unknown = Object.values(step)[0];
    return nameOf(step) in known && (params === null || (typeof params === "object" && !Array.isArray(params)));
  });
