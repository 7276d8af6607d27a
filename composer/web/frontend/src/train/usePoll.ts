import { useEffect, useRef, useState } from "react";
import { Refusal } from "../bridge";

/**
 * Ask again and again while somebody looks: never twice at once, not while the page is hidden, and at once when it is
 * seen again.
 *
 * @returns Why the last question was not answered; null where it was.
 */
export function usePoll(question: () => Promise<void>, milliseconds: number, key = ""): Refusal | null {
  const latest = useRef(question);
  latest.current = question;
  const [refused, setRefused] = useState<Refusal | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another key begins anew
  useEffect(() => {
    let timer = 0;
    let ended = false;
    let asking = false;
    const go = async () => {
      window.clearTimeout(timer);
      if (asking || ended) return;
      if (!document.hidden) {
        asking = true;
        try {
          await latest.current();
          if (!ended) setRefused(null);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          if (!ended) setRefused(error);
        } finally {
          asking = false;
        }
      }
      if (!ended) timer = window.setTimeout(go, milliseconds);
    };
    const seen = () => void (document.hidden || go());
    void go();
    document.addEventListener("visibilitychange", seen);
    return () => {
      ended = true;
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [milliseconds, key]);
  return refused;
}
