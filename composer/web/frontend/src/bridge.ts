import type { Failure } from "./payloads";

/** What Gradio hands to the canvas: functions of the server, events to it, and values that it pushes. */
export interface Host {
  server: Record<string, (payload: unknown) => Promise<unknown>>;
  trigger: (event: string, payload: unknown) => void;
  pushed: (listener: (value: unknown) => void) => void;
}

export interface Answer<T> {
  ok: boolean;
  result: T | null;
  error: Failure | null;
}

/** Something that the server refused, or that did not reach it (`offline`). */
export class Refusal extends Error {
  constructor(
    readonly failure: Failure,
    readonly offline = false,
  ) {
    super(failure.message);
  }
}

/** Most characters in one request: the server takes 16 MB. */
const MOST = 12 * 2 ** 20;

const tooLarge = () =>
  new Refusal({ message: "What was to be sent is too large: the server takes at most 16 MB at once.", problems: [] });

/** How many characters the texts of a request have. */
const lengthOf = (payload: unknown): number =>
  payload && typeof payload === "object"
    ? Object.values(payload).reduce((sum: number, value) => sum + (typeof value === "string" ? value.length : 0), 0)
    : 0;

/** Calls of the server, by name; every answer comes in an envelope that says what went wrong. */
export class Bridge {
  constructor(readonly host: Host) {}

  async call<T>(name: string, payload: unknown): Promise<T> {
    let answer: Answer<T> | undefined;
    if (lengthOf(payload) > MOST) throw tooLarge();
    try {
      answer = (await this.host.server[`composer_${name}`]?.(payload)) as Answer<T> | undefined;
    } catch (error) {
      if (error instanceof Error && /too large|413/i.test(error.message)) throw tooLarge();
      answer = undefined;
    }
    if (!answer) throw new Refusal({ message: "The server does not answer.", problems: [] }, true);
    if (!answer.ok || answer.result === null) {
      throw new Refusal(answer.error ?? { message: "The server gave no answer.", problems: [] });
    }
    return answer.result;
  }
}
