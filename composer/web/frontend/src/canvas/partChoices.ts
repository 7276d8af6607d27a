import { useEffect, useMemo, useState } from "react";
import { type Entry, entriesOf } from "../logic/entries";
import { rank } from "../logic/rank";
import type { Replacement } from "../payloads";
import { useComposer } from "../store";
import type { Choice } from "../ui/Chooser";

/** A part in the server's order, with what it would not keep. */
export type Offered = Entry & { lost: string[]; wires: number };

/** Parts that the server offers, those that fit best first, and those of them that fit the words. */
export function useOffered(ask: () => Promise<Replacement[]>, query: string, key: string) {
  const catalog = useComposer((state) => state.catalog);
  const subgraphs = useComposer((state) => state.view?.subgraphs);
  const entries = useMemo(
    () => new Map(entriesOf(catalog, subgraphs).map((one) => [one.id, one])),
    [catalog, subgraphs],
  );
  const [offered, setOffered] = useState<Offered[] | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` says what `ask` is about
  useEffect(() => {
    let stale = false;
    void ask().then((parts) => {
      if (stale) return;
      setOffered(
        parts.flatMap(({ type, graph, lost = [], wires = 0 }) => {
          const entry = entries.get(type === null ? `subgraph:${graph}` : `component:${type}`);
          return entry ? [{ ...entry, lost, wires }] : [];
        }),
      );
    });
    return () => {
      stale = true;
    };
  }, [key, entries]);
  const found = useMemo(() => (offered ? rank(query, offered) : []), [offered, query]);
  return { offered, found };
}

/** A part as a line of a list. */
export const choiceOf = (entry: Offered): Choice => ({
  id: entry.id,
  words: entry.name,
  detail: entry.wires ? `${entry.kind}, loses ${entry.wires} wire${entry.wires === 1 ? "" : "s"}` : entry.kind,
  hint: entry.lost.length
    ? `Not kept: ${entry.lost.join(", ")}.`
    : (entry.component?.summary ?? entry.text).replaceAll("`", ""),
  colour: entry.colour,
});
